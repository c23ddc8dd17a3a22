using System.Text.Json.Serialization;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Identity;

internal sealed record AnonymousSession(string SessionId);

/// <param name="SessionId">An anonymous session whose threads the new user takes along.</param>
internal sealed record Registration(string? Email, string? Password, string? Name, string? SessionId) : IChecked
{
    /// <summary>Longer ones only keep the hash function busy.</summary>
    public const int LongestPassword = 256;

    public IEnumerable<string> Problems()
    {
        if (!EmailAddress.IsPlausible(Email))
        {
            yield return "email must be an e-mail address";
        }

        if (Password is not { Length: >= 8 and <= LongestPassword } || !Password.Any(char.IsAsciiDigit))
        {
            yield return "password must have 8 to 256 characters, a digit among them";
        }

        if (!StoredText.Fits(Name, 200))
        {
            yield return "name may have 200 characters";
        }
    }
}

internal sealed record Registered(string Email);

internal sealed record SignIn(string? Email, string? Password, string? SessionId) : IChecked
{
    public IEnumerable<string> Problems()
    {
        if (!StoredText.Says(Email, EmailAddress.Longest))
        {
            yield return "email is missing";
        }

        if (Password is not { Length: >= 1 and <= Registration.LongestPassword })
        {
            yield return "password is missing or too long";
        }
    }
}

/// <param name="ExpiresIn">Seconds.</param>
/// <param name="ClaimedCount">Threads of the anonymous session that now belong to the user.</param>
internal sealed record SignedIn(string AccessToken, string RefreshToken, int ExpiresIn, string TokenType, int? ClaimedCount = null);

internal sealed record Refresh(string? RefreshToken) : IChecked
{
    public IEnumerable<string> Problems() => string.IsNullOrEmpty(RefreshToken) ? ["refreshToken is missing"] : [];
}

internal sealed record ForgotPassword(string? Email) : IChecked
{
    public IEnumerable<string> Problems() => EmailAddress.IsPlausible(Email) ? [] : ["email must be an e-mail address"];
}

internal sealed record PasswordReset(string? Token, string? NewPassword) : IChecked
{
    public IEnumerable<string> Problems()
    {
        if (Token is not { Length: >= 1 and <= 512 })
        {
            yield return "token is missing";
        }

        if (NewPassword is not { Length: >= 8 and <= Registration.LongestPassword })
        {
            yield return "newPassword must have 8 to 256 characters";
        }
    }
}

internal sealed record Me(string Id, string Email, DateTimeOffset CreatedAt);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AnonymousSession))]
[JsonSerializable(typeof(Registration))]
[JsonSerializable(typeof(Registered))]
[JsonSerializable(typeof(SignIn))]
[JsonSerializable(typeof(SignedIn))]
[JsonSerializable(typeof(Refresh))]
[JsonSerializable(typeof(ForgotPassword))]
[JsonSerializable(typeof(PasswordReset))]
[JsonSerializable(typeof(Me))]
[JsonSerializable(typeof(ProfileView))]
[JsonSerializable(typeof(ProfileChange))]
internal sealed partial class IdentityJson : JsonSerializerContext;

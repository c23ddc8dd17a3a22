using System.Text.Json.Serialization;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.ApiService.Identity.Google;
using Sendcat.ApiService.Identity.Passwords;
using Sendcat.ApiService.Identity.Profiles;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Identity.Tokens;

namespace Sendcat.ApiService.Identity;

internal sealed record AnonymousSession(string SessionId);

/// <param name="SessionId">
/// Accepted and ignored. The threads of a session are adopted at sign-in, by the user who knows the password.
/// </param>
internal sealed record Registration(string? Email, string? Password, string? Name, string? SessionId) : IValidatable
{
    public IEnumerable<string> Problems()
    {
        if (!EmailAddress.IsPlausible(Email))
        {
            yield return "email must be an e-mail address";
        }

        if (!PasswordRules.Permit(Password))
        {
            yield return PasswordRules.Problem("password");
        }

        if (!StoredText.Fits(Name, 200))
        {
            yield return "name may have 200 characters";
        }
    }
}

internal sealed record Registered(string Email);

internal sealed record SignIn(string? Email, string? Password, string? SessionId) : IValidatable
{
    public IEnumerable<string> Problems()
    {
        if (!StoredText.HasText(Email, EmailAddress.Longest))
        {
            yield return "email is missing";
        }

        if (!PasswordRules.CanBeChecked(Password))
        {
            yield return "password is missing or too long";
        }
    }
}

/// <param name="ExpiresIn">Seconds.</param>
/// <param name="ClaimedCount">The number of threads of the anonymous session that now belong to the user; absent without a session.</param>
internal sealed record SignedIn(string AccessToken, string RefreshToken, int ExpiresIn, string TokenType, int? ClaimedCount = null)
{
    public static SignedIn With(string accessToken, string refreshToken) =>
        new(accessToken, refreshToken, (int)AccessTokens.Lifetime.TotalSeconds, "Bearer");
}

/// <summary>A sign-in whose tokens are in cookies.</summary>
/// <param name="ExpiresIn">Seconds after which a request is 401 until <c>/api/auth/cookie/refresh</c>.</param>
/// <param name="ClaimedCount">The number of threads of the anonymous session that now belong to the user; absent without a session.</param>
internal sealed record CookieSignIn(int ExpiresIn, int? ClaimedCount);

internal sealed record Refresh(string? RefreshToken) : IValidatable
{
    public IEnumerable<string> Problems() => string.IsNullOrEmpty(RefreshToken) ? ["refreshToken is missing"] : [];
}

internal sealed record ForgotPassword(string? Email) : IValidatable
{
    public IEnumerable<string> Problems() => EmailAddress.IsPlausible(Email) ? [] : ["email must be an e-mail address"];
}

internal sealed record PasswordReset(string? Token, string? NewPassword) : IValidatable
{
    public IEnumerable<string> Problems()
    {
        if (Token is not { Length: >= 1 and <= 512 })
        {
            yield return "token is missing";
        }

        if (!PasswordRules.Permit(NewPassword))
        {
            yield return PasswordRules.Problem("newPassword");
        }
    }
}

/// <param name="Token">The token of the link that was mailed at registration.</param>
internal sealed record Confirmation(string? Token) : IValidatable
{
    public IEnumerable<string> Problems() => Token is { Length: >= 1 and <= 512 } ? [] : ["token is missing"];
}

/// <param name="EmailConfirmed">False: the limits of guests apply, and nothing can be connected.</param>
/// <param name="HasPassword">False: the account was made by a sign-in with Google, and no password was set since.</param>
/// <param name="Google">The linked Google account; absent: none.</param>
internal sealed record Me(string Id, string Email, bool EmailConfirmed, DateTimeOffset CreatedAt, bool HasPassword, LinkedGoogle? Google);

/// <param name="Email">The address of the Google account when it was linked.</param>
internal sealed record LinkedGoogle(string Email, DateTimeOffset LinkedAt);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AnonymousSession))]
[JsonSerializable(typeof(Registration))]
[JsonSerializable(typeof(Registered))]
[JsonSerializable(typeof(SignIn))]
[JsonSerializable(typeof(SignedIn))]
[JsonSerializable(typeof(CookieSignIn))]
[JsonSerializable(typeof(Refresh))]
[JsonSerializable(typeof(ForgotPassword))]
[JsonSerializable(typeof(PasswordReset))]
[JsonSerializable(typeof(Confirmation))]
[JsonSerializable(typeof(GoogleExchange))]
[JsonSerializable(typeof(PasswordChange))]
[JsonSerializable(typeof(EmailChange))]
[JsonSerializable(typeof(EmailChangeConfirmation))]
[JsonSerializable(typeof(AccountRemoval))]
[JsonSerializable(typeof(GoogleLink))]
[JsonSerializable(typeof(GoogleUnlink))]
[JsonSerializable(typeof(ProfilePatch))]
[JsonSerializable(typeof(Me))]
[JsonSerializable(typeof(ProfileView))]
[JsonSerializable(typeof(ProfileChange))]
internal sealed partial class IdentityJson : JsonSerializerContext;

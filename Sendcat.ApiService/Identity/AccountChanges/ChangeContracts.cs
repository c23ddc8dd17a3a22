using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Google;
using Sendcat.ApiService.Identity.Passwords;
using Sendcat.ApiService.Identity.SignIns;

namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>With what a signed-in user proves again who they are: the password, or a one-time code of the linked Google account.</summary>
/// <param name="Password">The present password of the account; ignored beside a code.</param>
/// <param name="GoogleCode">A <c>googleCode</c>.</param>
/// <param name="GoogleVerifier">The verifier of its challenge.</param>
internal sealed record Credentials(string? Password, string? GoogleCode, string? GoogleVerifier)
{
    public IEnumerable<string> Problems(string passwordField = "password") =>
        GoogleCode is not null ? Google.GoogleCode.Problems("googleCode", GoogleCode, "googleVerifier", GoogleVerifier)
        : PasswordRules.CanBeChecked(Password) ? []
        : [$"{passwordField} is missing or too long"];
}

/// <param name="CurrentPassword">
/// The present password; omitted with a <c>googleCode</c>, for instance by an account without a password.
/// </param>
/// <param name="GoogleCode">Instead of the password: a <c>googleCode</c> of the linked Google account.</param>
/// <param name="GoogleVerifier">The verifier of its challenge.</param>
internal sealed record PasswordChange(
    string? CurrentPassword, string? NewPassword, string? GoogleCode, string? GoogleVerifier) : IValidatable
{
    public Credentials Credentials() => new(CurrentPassword, GoogleCode, GoogleVerifier);

    public IEnumerable<string> Problems() =>
        [
            .. Credentials().Problems("currentPassword"),
            .. PasswordRules.Permit(NewPassword) ? [] : new[] { PasswordRules.Problem("newPassword") },
        ];
}

/// <param name="Password">The present password of the account.</param>
/// <param name="GoogleCode">Instead of the password: a <c>googleCode</c> of the linked Google account.</param>
/// <param name="GoogleVerifier">The verifier of its challenge.</param>
internal sealed record EmailChange(string? Password, string? NewEmail, string? GoogleCode, string? GoogleVerifier) : IValidatable
{
    public Credentials Credentials() => new(Password, GoogleCode, GoogleVerifier);

    public IEnumerable<string> Problems() =>
        [.. Credentials().Problems(), .. EmailAddress.IsPlausible(NewEmail) ? [] : new[] { "newEmail must be an e-mail address" }];
}

/// <param name="Token">The token of the link that was mailed to the new address.</param>
/// <param name="Email">The new address, from the same link.</param>
internal sealed record EmailChangeConfirmation(string? Token, string? Email) : IValidatable
{
    public IEnumerable<string> Problems()
    {
        if (Token is not { Length: >= 1 and <= 512 })
        {
            yield return "token is missing";
        }

        if (!EmailAddress.IsPlausible(Email))
        {
            yield return "email must be an e-mail address";
        }
    }
}

/// <param name="Password">The present password of the account.</param>
/// <param name="GoogleCode">Instead of the password: a <c>googleCode</c> of the linked Google account.</param>
/// <param name="GoogleVerifier">The verifier of its challenge.</param>
internal sealed record AccountRemoval(string? Password, string? GoogleCode, string? GoogleVerifier) : IValidatable
{
    public Credentials Credentials() => new(Password, GoogleCode, GoogleVerifier);

    public IEnumerable<string> Problems() => Credentials().Problems();
}

/// <param name="Password">The present password of the account.</param>
/// <param name="Code">A <c>googleCode</c> of the Google account to link.</param>
/// <param name="Verifier">The verifier of its challenge.</param>
internal sealed record GoogleLink(string? Password, string? Code, string? Verifier) : IValidatable
{
    public Credentials Credentials() => new(Password, null, null);

    public IEnumerable<string> Problems() => [.. Credentials().Problems(), .. GoogleCode.Problems("code", Code, "verifier", Verifier)];
}

/// <param name="Password">The present password of the account.</param>
/// <param name="GoogleCode">Instead of the password: a <c>googleCode</c> of the linked Google account.</param>
/// <param name="GoogleVerifier">The verifier of its challenge.</param>
internal sealed record GoogleUnlink(string? Password, string? GoogleCode, string? GoogleVerifier) : IValidatable
{
    public Credentials Credentials() => new(Password, GoogleCode, GoogleVerifier);

    public IEnumerable<string> Problems() => Credentials().Problems();
}

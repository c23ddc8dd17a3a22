using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Passwords;
using Sendcat.ApiService.Identity.SignIns;

namespace Sendcat.ApiService.Identity.AccountChanges;

internal sealed record PasswordChange(string? CurrentPassword, string? NewPassword) : IValidatable
{
    public IEnumerable<string> Problems()
    {
        if (!PasswordRules.CanBeChecked(CurrentPassword))
        {
            yield return "currentPassword is missing or too long";
        }

        if (!PasswordRules.Permit(NewPassword))
        {
            yield return PasswordRules.Problem("newPassword");
        }
    }
}

/// <param name="Password">The present password of the account.</param>
internal sealed record EmailChange(string? Password, string? NewEmail) : IValidatable
{
    public IEnumerable<string> Problems()
    {
        if (!PasswordRules.CanBeChecked(Password))
        {
            yield return "password is missing or too long";
        }

        if (!EmailAddress.IsPlausible(NewEmail))
        {
            yield return "newEmail must be an e-mail address";
        }
    }
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
internal sealed record AccountRemoval(string? Password) : IValidatable
{
    public IEnumerable<string> Problems() => PasswordRules.CanBeChecked(Password) ? [] : ["password is missing or too long"];
}

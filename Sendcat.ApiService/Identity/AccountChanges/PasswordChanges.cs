using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Tokens;

namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>Changes a password by a request of its user. The tokens of the new sign-in go to a body or to cookies.</summary>
internal sealed class PasswordChanges(Reauthentication reauthentication, AccountChanges changes, AccessTokens accessTokens)
{
    /// <returns>The new sign-in; else the error of the body, of the check of the password, or of the change.</returns>
    public async Task<Outcome<SignedIn>> ChangeAsync(HttpContext http, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.PasswordChange, cancellationToken);
        if (!body.TryGet(out var change, out var refusal)
            || !(await reauthentication.CheckAsync(http, change.Credentials(), cancellationToken)).TryGet(out var account, out refusal)
            || !(await changes.SetPasswordAsync(account, change.NewPassword!, cancellationToken)).TryGet(out var signIn, out refusal))
        {
            return refusal;
        }

        return SignedIn.With(accessTokens.Issue(signIn.Grant), signIn.RefreshToken);
    }
}

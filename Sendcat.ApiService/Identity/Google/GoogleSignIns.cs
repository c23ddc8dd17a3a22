using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Identity.Google;

/// <summary>Signs in by a request with a one-time code. The tokens of the sign-in go to a body or to cookies.</summary>
internal sealed class GoogleSignIns(GoogleProofs proofs, GoogleAccounts accounts, Principals principals)
{
    /// <returns>The new sign-in; else the error of the body, of the code, or of <see cref="GoogleAccounts.SignInAsync"/>.</returns>
    public async Task<Outcome<SignedIn>> SignInAsync(HttpContext http, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.GoogleExchange, cancellationToken);
        return body.TryGet(out var exchange, out var refusal)
            && (await proofs.TakeAsync(http, exchange.Code!, exchange.Verifier)).TryGet(out var proof, out refusal)
                ? await accounts.SignInAsync(proof, principals.AdoptableSession(http, exchange.SessionId), cancellationToken)
                : refusal;
    }
}

using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// Counts wrong passwords by network address and account together, whether or not the account exists. Nobody can lock an account for its owner, who comes from another address; and no refusal tells
/// whether there is one.
/// </summary>
internal sealed class SignInAttempts(RateLimiter limiter, AddressDigests digests)
{
    private const string Path = "/api/auth/login";

    /// <summary>Counts before the password is checked, so that guesses sent at the same time are all counted.</summary>
    public ValueTask<RateLimitDecision> TakeAsync(string client, string email, CancellationToken cancellationToken) =>
        limiter.CheckAsync(RateLimitBucket.SignIn, Key(client, email), cancellationToken, Path, HttpMethods.Post);

    /// <summary>The password was right, or nobody looked at it. Best effort, as the limiter does it.</summary>
    public ValueTask ReturnAsync(string client, string email) => limiter.SettleAsync(RateLimitBucket.SignIn, Key(client, email), -1);

    private string Key(string client, string email) => $"{client} {digests.OfMail(email)}";
}

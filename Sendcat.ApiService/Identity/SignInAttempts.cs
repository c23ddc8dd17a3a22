using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// Counts wrong passwords by network address and account together, whether or not the account exists. Nobody can lock an account for its owner, who comes from another address; and no refusal tells
/// whether there is one.
/// </summary>
internal sealed class SignInAttempts(RateLimiter limiter, AddressDigests digests)
{
    private const string Path = "/api/auth/login";

    /// <summary>Counts before the password is checked, so that guesses sent at the same time are all counted.</summary>
    /// <param name="client">The network address, as <c>ClientAddress.NamesOf</c> names it.</param>
    public ValueTask<RateLimitDecision> TakeAsync(IReadOnlyList<LimitKey> client, string email, CancellationToken cancellationToken) =>
        limiter.CheckAsync(RateLimitBucket.SignIn, Keys(client, email), cancellationToken, Path, HttpMethods.Post);

    /// <summary>The password was right, or nobody looked at it. Best effort, as the limiter does it.</summary>
    public async ValueTask ReturnAsync(IReadOnlyList<LimitKey> client, string email)
    {
        foreach (var key in Keys(client, email))
        {
            await limiter.SettleAsync(RateLimitBucket.SignIn, key.Name, -1);
        }
    }

    private LimitKey[] Keys(IReadOnlyList<LimitKey> client, string email)
    {
        var account = digests.OfMail(email);
        return [.. client.Select(address => address with { Name = $"{address.Name} {account}" })];
    }
}

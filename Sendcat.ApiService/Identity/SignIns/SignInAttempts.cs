using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Identity.SignIns;

/// <summary>
/// Counts wrong passwords per pair of network address and account, whether or not the account exists. An attacker therefore cannot lock the
/// owner out, who uses another address, and a denial does not reveal whether the account exists.
/// </summary>
internal sealed class SignInAttempts(RateLimiter limiter, AddressDigests digests)
{
    private const string Path = "/api/auth/login";

    /// <summary>Counts an attempt before the password is checked, so that concurrent guesses are all counted.</summary>
    /// <param name="client">The keys of the network address, from <c>ClientAddress.KeysOf</c>.</param>
    /// <param name="email">The address of the account.</param>
    /// <param name="cancellationToken">Cancels the check.</param>
    public ValueTask<RateLimitDecision> CountAsync(IReadOnlyList<LimitKey> client, string email, CancellationToken cancellationToken) =>
        limiter.CheckAsync(RateLimitBucket.SignIn, Keys(client, email), cancellationToken, Path, HttpMethods.Post);

    /// <summary>Removes a counted attempt whose password was correct or was not checked. Best effort, like the limiter itself.</summary>
    public async ValueTask UndoCountAsync(IReadOnlyList<LimitKey> client, string email)
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

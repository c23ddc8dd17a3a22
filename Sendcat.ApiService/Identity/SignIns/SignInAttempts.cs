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
    private ValueTask<RateLimitDecision> CountAsync(IReadOnlyList<LimitKey> client, string email, CancellationToken cancellationToken) =>
        limiter.CheckAsync(RateLimitBucket.SignIn, Keys(client, email), cancellationToken, Path, HttpMethods.Post);

    /// <summary>
    /// Counts an attempt, checks it, and removes it from the count unless the password was wrong: also when the check fails for an outage.
    /// The removal is best effort, like the limiter itself.
    /// </summary>
    /// <param name="client">The keys of the network address, from <c>ClientAddress.KeysOf</c>.</param>
    /// <param name="email">The address of the account.</param>
    /// <param name="check">The check, and whether its result is that the password is wrong.</param>
    /// <param name="cancellationToken">Cancels the count.</param>
    public async Task<TResult> CountWrongAsync<TResult>(
        IReadOnlyList<LimitKey> client, string email, Func<RateLimitDecision, Task<(TResult Result, bool IsWrong)>> check,
        CancellationToken cancellationToken)
    {
        var attempt = await CountAsync(client, email, cancellationToken);
        var isWrong = false;
        try
        {
            (var result, isWrong) = await check(attempt);
            return result;
        }
        finally
        {
            if (attempt.Allowed && !isWrong)
            {
                await UndoCountAsync(client, email);
            }
        }
    }

    private async ValueTask UndoCountAsync(IReadOnlyList<LimitKey> client, string email)
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

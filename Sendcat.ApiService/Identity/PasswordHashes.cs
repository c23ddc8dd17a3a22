using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// The only place that hashes passwords: a bounded number at once, a short queue, 503 beyond it. Sign-ins must not take the cores that running chats and the Redis client need.
/// </summary>
internal sealed class PasswordHashes : IDisposable
{
    /// <summary>A full default queue is worked off in about that time.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    private static readonly SendcatUser Nobody = new() { Id = "nobody" };

    private readonly IPasswordHasher<SendcatUser> _hasher;
    private readonly IOptionsMonitor<PasswordHashOptions> _options;
    private readonly PartitionedRateLimiter<(int AtOnce, int Queue)> _limiter;
    private readonly string _nobodysHash;

    public PasswordHashes(IPasswordHasher<SendcatUser> hasher, IOptionsMonitor<PasswordHashOptions> options)
    {
        (_hasher, _options) = (hasher, options);
        // The settings are the partition: a changed knob opens a new limiter, and what runs under the old one ends there.
        _limiter = PartitionedRateLimiter.Create<(int AtOnce, int Queue), (int AtOnce, int Queue)>(settings => RateLimitPartition.GetConcurrencyLimiter(
            settings, static made => new ConcurrencyLimiterOptions { PermitLimit = made.AtOnce, QueueLimit = made.Queue, QueueProcessingOrder = QueueProcessingOrder.OldestFirst }));
        _nobodysHash = hasher.HashPassword(Nobody, "nobody's password");
    }

    /// <returns>The hash to store, or 503 when too many wait already.</returns>
    public ValueTask<Outcome<string>> HashAsync(string password, CancellationToken cancellationToken) => RunAsync(() => _hasher.HashPassword(Nobody, password), cancellationToken);

    /// <param name="hash">The stored hash; null for an account that does not exist or has no password, which takes as long and is never right.</param>
    /// <returns>Whether the password is right, or 503 when too many wait already.</returns>
    public ValueTask<Outcome<bool>> VerifyAsync(string? hash, string password, CancellationToken cancellationToken) => RunAsync(
        () => _hasher.VerifyHashedPassword(Nobody, hash ?? _nobodysHash, password) is not PasswordVerificationResult.Failed && hash is not null, cancellationToken);

    public void Dispose() => _limiter.Dispose();

    private async ValueTask<Outcome<T>> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
        where T : notnull
    {
        var settings = _options.CurrentValue;
        using var lease = await _limiter.AcquireAsync((settings.AtOnce, settings.Queue), permitCount: 1, cancellationToken);
        if (!lease.IsAcquired)
        {
            IdentityMetrics.PasswordHash("refused");
            return ApiError.UpstreamUnavailable(RetryAfter);
        }

        // Never on the thread that completed a socket operation: other connections wait for it.
        var result = await Task.Run(work, CancellationToken.None);
        IdentityMetrics.PasswordHash("done");
        return result;
    }
}

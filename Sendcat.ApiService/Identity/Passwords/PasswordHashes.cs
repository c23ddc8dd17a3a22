using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Identity.Passwords;

/// <summary>
/// Hashes passwords, a bounded number at the same time, with a short queue and 503 beyond it. No other class hashes passwords. Sign-ins
/// must not occupy the cores that chats and the Redis client need.
/// </summary>
internal sealed class PasswordHashes : IDisposable
{
    /// <summary>About the time in which a full queue of the default size is processed.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    private static readonly SendcatUser DummyUser = new() { Id = "dummy" };

    private readonly IPasswordHasher<SendcatUser> _hasher;
    private readonly IOptionsMonitor<PasswordHashOptions> _options;
    private readonly PartitionedRateLimiter<(int AtOnce, int Queue)> _limiter;
    private readonly string _dummyHash;

    public PasswordHashes(IPasswordHasher<SendcatUser> hasher, IOptionsMonitor<PasswordHashOptions> options)
    {
        (_hasher, _options) = (hasher, options);
        // The settings are the partition key: a changed knob creates a new limiter, and hashes that hold a lease of the old one finish
        // there.
        _limiter = PartitionedRateLimiter.Create<(int AtOnce, int Queue), (int AtOnce, int Queue)>(
            settings => RateLimitPartition.GetConcurrencyLimiter(
                settings,
                static key => new ConcurrencyLimiterOptions
                {
                    PermitLimit = key.AtOnce, QueueLimit = key.Queue, QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
                }));
        _dummyHash = hasher.HashPassword(DummyUser, "dummy password");
    }

    /// <returns>The hash to store, or 503 when the queue is full.</returns>
    public ValueTask<Outcome<string>> HashAsync(string password, CancellationToken cancellationToken) =>
        RunAsync(() => _hasher.HashPassword(DummyUser, password), cancellationToken);

    /// <param name="hash">
    /// The stored hash. Null for an account that does not exist or has no password: the check takes the same time and its result is false.
    /// </param>
    /// <param name="password">The password to check.</param>
    /// <returns>Whether the password is correct, or 503 when the queue is full.</returns>
    public ValueTask<Outcome<bool>> VerifyAsync(string? hash, string password, CancellationToken cancellationToken) => RunAsync(
        () => _hasher.VerifyHashedPassword(DummyUser, hash ?? _dummyHash, password) is not PasswordVerificationResult.Failed
            && hash is not null,
        cancellationToken);

    public void Dispose() => _limiter.Dispose();

    private async ValueTask<Outcome<T>> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
        where T : notnull
    {
        var settings = _options.CurrentValue;
        using var lease = await _limiter.AcquireAsync((settings.AtOnce, settings.Queue), permitCount: 1, cancellationToken);
        if (!lease.IsAcquired)
        {
            IdentityMetrics.PasswordHash("refused");
            return ApiError.UpstreamUnavailable(RetryAfter, RefusalReason.PasswordHashes);
        }

        // On a thread of its own: the thread pool starts with one thread per core, and every Redis reply needs one of them.
        var result = await Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        IdentityMetrics.PasswordHash("done");
        return result;
    }
}

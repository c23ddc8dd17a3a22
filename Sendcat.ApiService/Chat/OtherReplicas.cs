using Sendcat.Reliability.Database;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Slo;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The turns of all other replicas in the last minute that is written. It is read at most every five seconds; while Postgres does not
/// respond, nothing is known of them.
/// </summary>
internal sealed class OtherReplicas(SliStore store, ReplicaId replica, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    /// <summary>The replicas write a minute within this time after its end.</summary>
    private static readonly TimeSpan WriteTime = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _read = new(1, 1);
    private volatile Known _known = new(RecentCounts.None, null);

    public async Task<RecentCounts> LastMinuteAsync(string endpoint, VerdictPolicy policy, CancellationToken cancellationToken)
    {
        // One caller reads; the others take what is known.
        if (IsFresh() || !await _read.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            return _known.Counts;
        }

        try
        {
            var now = time.GetTimestamp();
            var minute = SliWindows.MinuteOf(time.GetUtcNow() - WriteTime).AddMinutes(-1);
            _known = new(await store.OthersAsync(endpoint, minute, replica.Value, policy, Timeout, time, cancellationToken), now);
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception) && !cancellationToken.IsCancellationRequested)
        {
            _known = new(RecentCounts.None, time.GetTimestamp());
        }
        finally
        {
            _read.Release();
        }

        return _known.Counts;
    }

    public void Dispose() => _read.Dispose();

    private bool IsFresh() => _known.ReadAt is { } at && time.GetElapsedTime(at) < MaxAge;

    private sealed record Known(RecentCounts Counts, long? ReadAt);
}

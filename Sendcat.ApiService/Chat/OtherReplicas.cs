using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Slo;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The turns of all other replicas: what each reports every two seconds in Redis, and of those that report nothing (they have just ended,
/// or Redis is unavailable) the last minute that they have written to Postgres. It is read at most every two seconds; what cannot be read
/// counts as nothing.
/// </summary>
internal sealed class OtherReplicas(Processes processes, SliStore store, ReplicaId replica, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    /// <summary>The replicas write a minute within this time after its end.</summary>
    private static readonly TimeSpan WriteTime = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _read = new(1, 1);
    private volatile Known _known = new(RecentTurns.None, null);

    /// <param name="redisResponds">False: Redis is not asked, since a check of the health must not wait for it.</param>
    public async Task<RecentTurns> ReadAsync(bool redisResponds, CancellationToken cancellationToken)
    {
        // One caller reads; the others take what is known.
        if (IsFresh() || !await _read.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            return _known.Turns;
        }

        try
        {
            var now = time.GetTimestamp();
            var reported = redisResponds ? await ReportedAsync(cancellationToken) : [];
            var written = await WrittenAsync([replica.Value, .. reported.Keys], cancellationToken);
            _known = new(reported.Values.Aggregate(RecentTurns.None with { Minute = written }, (sum, turns) => sum.Plus(turns)), now);
        }
        finally
        {
            _read.Release();
        }

        return _known.Turns;
    }

    public void Dispose() => _read.Dispose();

    private async Task<Dictionary<Guid, RecentTurns>> ReportedAsync(CancellationToken cancellationToken)
    {
        try
        {
            var statuses = await processes.StatusesAsync(cancellationToken).WaitAsync(Timeout, time, cancellationToken);
            return (statuses ?? []).Where(process => process.Value.Load.Recent is not null && process.Key != replica.ToString())
                .ToDictionary(process => Guid.Parse(process.Key), process => process.Value.Load.Recent!);
        }
        catch (TimeoutException)
        {
            return [];
        }
    }

    private async Task<RecentCounts> WrittenAsync(IReadOnlyCollection<Guid> except, CancellationToken cancellationToken)
    {
        try
        {
            var minute = SliWindows.MinuteOf(time.GetUtcNow() - WriteTime).AddMinutes(-1);
            return await store.OthersAsync(
                MeasuredEndpoint.Chat.Path, minute, except, SloPolicy.Default.Verdict, Timeout, time, cancellationToken);
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception) && !cancellationToken.IsCancellationRequested)
        {
            return RecentCounts.None;
        }
    }

    private bool IsFresh() => _known.ReadAt is { } at && time.GetElapsedTime(at) < MaxAge;

    private sealed record Known(RecentTurns Turns, long? ReadAt);
}

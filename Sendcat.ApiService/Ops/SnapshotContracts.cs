using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Snapshot;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Ops;

/// <summary>The state of the guards. Every count is exact and covers all replicas, except where a field says otherwise.</summary>
internal sealed record SnapshotView(DateTime GeneratedAt, int WindowMinutes, SnapshotConfig Config)
{
    public required RateLimitPressureView RateLimitPressure { get; init; }

    public required ChatAdmissionView ChatAdmission { get; init; }

    public required CircuitsView CircuitBreakers { get; init; }

    public required BulkheadsView Bulkheads { get; init; }

    public required ReplayProtectionView ReplayProtection { get; init; }

    /// <summary>The fresh and stale entries of the cache. <c>sampledActiveEntries</c> counts all of them.</summary>
    public required CacheView ToolCache { get; init; }

    public required SnapshotJobsView ToolJobs { get; init; }

    public required QueueAlertsView ToolQueueAlerts { get; init; }

    /// <summary>What the turns cost that ended within the window.</summary>
    public required CostView Cost { get; init; }

    /// <summary>The providers that reject our account now, for its key or its quota. Empty: none does.</summary>
    public required IReadOnlyList<AccountView> SuspendedAccounts { get; init; }
}

/// <param name="SampledEvents">All events of the window.</param>
/// <param name="ByBucketOutcome">By <c>bucket:outcome</c>.</param>
/// <param name="ByBucketOutcomeReason">By <c>bucket:outcome:reason</c>; the reason is <c>none</c> without one.</param>
internal sealed record RateLimitPressureView(
    long SampledEvents, IReadOnlyDictionary<string, long> ByBucketOutcome, IReadOnlyDictionary<string, long> ByBucketOutcomeReason,
    IReadOnlyList<RateLimitAlertView> RecentAlerts, long AlertsInWindow)
{
    public static RateLimitPressureView Of(SnapshotReading reading) => new(
        reading.Events.Sum(count => count.Hits),
        Sums(reading.Events, count => $"{count.Bucket}:{count.Outcome}"),
        Sums(reading.Events, count => $"{count.Bucket}:{count.Outcome}:{count.Reason}"),
        [.. reading.Alerts.Select(RateLimitAlertView.Of)], reading.AlertsInWindow);

    private static SortedDictionary<string, long> Sums(IEnumerable<EventCount> events, Func<EventCount, string> key) =>
        new(
            events.GroupBy(key, StringComparer.Ordinal)
                .ToDictionary(group => group.Key, group => group.Sum(count => count.Hits), StringComparer.Ordinal),
            StringComparer.Ordinal);
}

internal sealed record RateLimitAlertView(string Bucket, string Outcome, int Observed, int Threshold, int WindowMinutes, DateTime CreatedAt)
{
    public static RateLimitAlertView Of(RateLimitAlert alert) =>
        new(alert.Bucket, alert.Outcome, alert.Observed, alert.Threshold, alert.WindowMinutes, alert.CreatedAt.UtcDateTime);
}

/// <param name="TopReasons">The five most frequent reasons of refusals, in both modes.</param>
/// <param name="SampledAllowedEventPct">The share of admitted turns whose event names its principal. All of them are counted.</param>
internal sealed record ChatAdmissionView(
    AdmissionCounts Enforce, AdmissionCounts Shadow, IReadOnlyList<ReasonCount> TopReasons, FalsePositivePressure FalsePositivePressure,
    int SampledAllowedEventPct)
{
    private const string EnforceBucket = "chat_admission";
    private const string ShadowBucket = "chat_admission_shadow";
    private const string Allowed = "allowed";
    private const string RedisUnavailable = "redis_unavailable";
    private const int MostReasons = 5;

    public static ChatAdmissionView Of(IReadOnlyList<EventCount> events, int sampledPct)
    {
        var (enforce, shadow) = (CountsOf(EnforceBucket), CountsOf(ShadowBucket));
        var refused = events.Where(count => count.Bucket is EnforceBucket or ShadowBucket && count.Outcome != Allowed).ToList();
        var refusals = refused.Sum(count => count.Hits);
        return new(
            enforce, shadow,
            [
                .. refused.GroupBy(count => count.Reason, StringComparer.Ordinal)
                    .Select(group => new ReasonCount(group.Key, group.Sum(count => count.Hits)))
                    .OrderByDescending(reason => reason.Count).ThenBy(reason => reason.Reason, StringComparer.Ordinal).Take(MostReasons),
            ],
            new(
                shadow.RefusedShare, enforce.RefusedShare,
                Share(refused.Where(count => count.Reason == RedisUnavailable).Sum(count => count.Hits), refusals)),
            sampledPct);

        AdmissionCounts CountsOf(string bucket)
        {
            return new(Hits(Allowed), Hits("blocked"), Hits("contention_fallback"));

            long Hits(string outcome) => events.Where(count => count.Bucket == bucket && count.Outcome == outcome).Sum(count => count.Hits);
        }
    }

    public static double Share(long part, long whole) => whole == 0 ? 0 : Math.Round((double)part / whole, 6);
}

/// <param name="ContentionFallback">Decided without Redis.</param>
internal sealed record AdmissionCounts(long Allowed, long Blocked, long ContentionFallback)
{
    internal double RefusedShare => ChatAdmissionView.Share(Blocked + ContentionFallback, Allowed + Blocked + ContentionFallback);
}

internal sealed record ReasonCount(string Reason, long Count);

/// <summary>Shares between 0 and 1; 0 without decisions.</summary>
internal sealed record FalsePositivePressure(double ShadowWouldBlockRate, double EnforceRejectRate, double RedisUnavailableShare);

/// <summary>The circuits as this replica sees them; openings and closings are shared by all replicas.</summary>
/// <param name="Recent">The last updated first.</param>
internal sealed record CircuitsView(IReadOnlyList<CircuitView> Recent, int OpenCount)
{
    private const string Open = "open";

    public static CircuitsView Of(IReadOnlyList<CircuitReading> circuits, int limit) => new(
        [.. circuits.OrderByDescending(circuit => circuit.UpdatedAt ?? DateTimeOffset.MinValue).Take(limit).Select(CircuitView.Of)],
        circuits.Count(circuit => circuit.State == Open));
}

/// <param name="State"><c>closed</c>, <c>open</c> or <c>half_open</c>.</param>
/// <param name="SuccessCount">Of this replica since its start.</param>
internal sealed record CircuitView(
    string Provider, string State, int FailureCount, long SuccessCount, DateTime? CooldownUntil, DateTime? LastFailureAt,
    DateTime? LastSuccessAt,
    string? LastError, string? Suspended, DateTime? UpdatedAt)
{
    public static CircuitView Of(CircuitReading now) => new(
        now.Provider, now.State, now.FailureCount, now.SuccessCount, now.CooldownUntil?.UtcDateTime, now.LastFailureAt?.UtcDateTime,
        now.LastSuccessAt?.UtcDateTime, now.LastError, now.Suspended, now.UpdatedAt?.UtcDateTime);
}

/// <summary>The slots in use over all replicas; of this replica alone while Redis is unavailable.</summary>
internal sealed record BulkheadsView(int ActiveLeaseCount, IReadOnlyDictionary<string, int> InFlightByProvider);

/// <summary>The keys of webhooks that were first seen in the window.</summary>
internal sealed record ReplayProtectionView(long KeysInWindow, long DuplicateHitsInWindow,
    IReadOnlyDictionary<string, ReplayScopeView> ByScope)
{
    public static ReplayProtectionView Of(IReadOnlyList<ReplayCount> counts) => new(
        counts.Sum(count => count.Keys), counts.Sum(count => count.Hits),
        counts.ToDictionary(count => count.Scope, count => new ReplayScopeView(count.Keys, count.Duplicates, count.Hits),
        StringComparer.Ordinal));
}

/// <param name="DuplicateHits">Repeated deliveries.</param>
internal sealed record ReplayScopeView(long TotalKeys, long DuplicateKeys, long DuplicateHits);

/// <summary>The jobs that live, the dead letters, and those that ended within the window.</summary>
/// <param name="Sampled">All of them.</param>
internal sealed record SnapshotJobsView(
    long Sampled, JobCounts ByStatus, IReadOnlyDictionary<string, JobCounts> ByTool,
    IReadOnlyDictionary<string, LanePressure> PressureByTool,
    long OldestQueuedAgeMs, long OldestRunningAgeMs, IReadOnlyList<DeadLetterView> RecentDeadLetters)
{
    public static SnapshotJobsView Of(ToolQueueReading reading, IReadOnlyList<DeadLetter> letters)
    {
        var all = JobCounts.Of(reading.Lanes);
        return new(
            (long)all.Queued + all.Running + all.Completed + all.Failed + all.DeadLetter + all.Cancelled, all,
            reading.Lanes.ToDictionary(lane => lane.Tool, lane => JobCounts.Of([lane]), StringComparer.Ordinal),
            reading.Lanes.ToDictionary(lane => lane.Tool, LanePressure.Of, StringComparer.Ordinal),
            (long)reading.OldestQueued.TotalMilliseconds, (long)reading.OldestRunning.TotalMilliseconds,
            [.. letters.Select(DeadLetterView.Of)]);
    }
}

internal sealed record QueueAlertsView(long AlertsInWindow, IReadOnlyList<QueueAlertView> Recent)
{
    public static QueueAlertsView Of(long inWindow, IReadOnlyList<QueueAlert> alerts) => new(inWindow,
        [.. alerts.Select(QueueAlertView.Of)]);
}

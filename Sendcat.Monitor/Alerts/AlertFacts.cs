namespace Sendcat.Monitor.Alerts;

/// <summary>What the API reports at one moment. A part that is null could not be read, and nothing is concluded from it.</summary>
internal sealed record AlertFacts(DateTimeOffset At)
{
    /// <summary>Every known address of the API.</summary>
    public IReadOnlyList<ApiFact> Apis { get; init; } = [];

    /// <summary>Why the operator's pages could not be read; null when all were.</summary>
    public string? Problem { get; init; }

    public SnapshotFacts? Snapshot { get; init; }

    public QueueFacts? Queue { get; init; }

    public ConditionFacts? Conditions { get; init; }

    public SloFacts? Slo { get; init; }
}

/// <param name="Problem">Null: it responds.</param>
/// <param name="Health">The response of <c>/api/chat/health</c>.</param>
internal sealed record ApiFact(Uri Address, string? Problem, HealthFacts? Health);

/// <summary>The parts of <c>/api/chat/health</c> that are judged.</summary>
internal sealed record HealthFacts(string? Verdict, string? Cause, LastMinuteFacts? LastMinute);

internal sealed record LastMinuteFacts(string Text, long Turns, long Failed, long Refused, long Late, long Partial, long Waiting);

/// <summary>The parts of <c>/api/ops/snapshot</c> that are judged.</summary>
internal sealed record SnapshotFacts(
    ConfigFacts Config, PressureFacts RateLimitPressure, CircuitsFacts CircuitBreakers, BulkheadsFacts Bulkheads, JobsFacts ToolJobs);

internal sealed record ConfigFacts(
    IReadOnlyDictionary<string, BulkheadConfigFacts> Bulkheads, JobsConfigFacts ToolJobs, QueueConfigFacts ToolQueueAlerts);

internal sealed record BulkheadConfigFacts(int MaxConcurrent);

/// <param name="MaxQueuedByTool">The lanes whose jobs turns wait for.</param>
internal sealed record JobsConfigFacts(int WaitTimeoutMs, IReadOnlyDictionary<string, int> MaxQueuedByTool);

internal sealed record QueueConfigFacts(bool Enabled, int CooldownMs);

/// <param name="ByBucketOutcome">By <c>bucket:outcome</c>, in the window of the snapshot.</param>
/// <param name="ByBucketOutcomeReason">By <c>bucket:outcome:reason</c>.</param>
internal sealed record PressureFacts(
    IReadOnlyDictionary<string, long> ByBucketOutcome, IReadOnlyDictionary<string, long> ByBucketOutcomeReason);

internal sealed record CircuitsFacts(IReadOnlyList<CircuitFact> Recent);

internal sealed record CircuitFact(string Provider, string State, int FailureCount, string? LastError, string? Suspended);

internal sealed record BulkheadsFacts(IReadOnlyDictionary<string, int> InFlightByProvider);

internal sealed record JobsFacts(IReadOnlyDictionary<string, LaneFacts> PressureByTool);

internal sealed record LaneFacts(int Due, long OldestQueuedAgeMs, double RunningUtilization);

/// <summary>The part of <c>/api/ops/tool-jobs</c> that is judged.</summary>
internal sealed record QueueFacts(QueueHealthFacts Health);

internal sealed record QueueHealthFacts(IReadOnlyList<QueueFindingFact> Findings);

internal sealed record QueueFindingFact(string Kind, long Observed, long Threshold);

/// <summary><c>/api/ops/conditions</c>.</summary>
internal sealed record ConditionFacts(
    IReadOnlyList<SilentWorkerFact> SilentWorkers, IReadOnlyList<StuckLeaseFact> StuckLeases, int WatchesEnding,
    IReadOnlyList<string> ParserDrift, IReadOnlyList<RefusedCallerFact> Callers)
{
    /// <summary>Processes that died in the last five minutes; empty: an API of an earlier version does not list them.</summary>
    public IReadOnlyList<DiedProcessFact> Died { get; init; } = [];
}

internal sealed record DiedProcessFact(string Process, DateTimeOffset At);

internal sealed record SilentWorkerFact(string Worker, int Jobs, IReadOnlyList<string> Tools, long SilentMs);

internal sealed record StuckLeaseFact(string What, string Name, int Count);

internal sealed record RefusedCallerFact(string Bucket, string Outcome, string Caller, long Hits);

/// <summary>The parts of <c>/api/ops/slo</c> that are judged.</summary>
internal sealed record SloFacts(IReadOnlyList<SloObjectiveFact> Objectives, IReadOnlyList<SloEndpointFact> Endpoints);

internal sealed record SloObjectiveFact(string Endpoint, string Indicator, IReadOnlyList<SloAlertFact> Alerts);

internal sealed record SloAlertFact(string Name, string Severity, string State, SloWindowFact Long);

internal sealed record SloWindowFact(int Minutes, long Total, long Bad, double? Rate);

/// <param name="Minutes">The last minutes, the oldest first.</param>
internal sealed record SloEndpointFact(string Endpoint, IReadOnlyList<SloMinuteFact> Minutes);

internal sealed record SloMinuteFact(DateTimeOffset At, long Served, long Failed);

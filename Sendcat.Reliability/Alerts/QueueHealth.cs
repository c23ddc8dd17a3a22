namespace Sendcat.Reliability.Alerts;

/// <summary>The values of the tool queue that are compared with thresholds.</summary>
/// <param name="Queued">
/// Waiting jobs that are due. Replays and retries that are scheduled for later do not count, because they are no load yet.
/// </param>
/// <param name="DeadLetters">Jobs in the dead letter table.</param>
/// <param name="OldestQueued">How long the oldest waiting job has been due.</param>
/// <param name="OldestRunning">How long the oldest running job has been running.</param>
public sealed record QueueState(int Queued, int DeadLetters, TimeSpan OldestQueued, TimeSpan OldestRunning)
{
    /// <summary>The lanes with thresholds of their own. Their jobs do not count in the other values.</summary>
    public IReadOnlyList<LaneState> Lanes { get; init; } = [];
}

/// <summary>The values of one lane, each with its threshold.</summary>
/// <param name="Lane">The name of the lane.</param>
public sealed record LaneState(
    string Lane,
    (int Observed, int Threshold) Queued,
    (int Observed, int Threshold) DeadLetters,
    (TimeSpan Observed, TimeSpan Threshold) OldestQueued,
    (TimeSpan Observed, TimeSpan Threshold) OldestRunning);

/// <summary>Compares a state of the tool queue with the thresholds.</summary>
public static class QueueHealth
{
    /// <summary>
    /// One finding for each of the four kinds, whether or not it exceeds its threshold, and four for each lane with thresholds of its own.
    /// </summary>
    public static IReadOnlyList<QueueFinding> Evaluate(QueueState state, ToolQueueAlertOptions thresholds) =>
    [
        new("queued_depth", state.Queued, thresholds.MaxQueued),
        new("dead_letter_depth", state.DeadLetters, thresholds.MaxDeadLetters),
        new("oldest_queued_age", (long)state.OldestQueued.TotalMilliseconds, thresholds.MaxQueuedAgeMs),
        new("oldest_running_age", (long)state.OldestRunning.TotalMilliseconds, thresholds.MaxRunningAgeMs),
        .. state.Lanes.SelectMany(Evaluate),
    ];

    private static IEnumerable<QueueFinding> Evaluate(LaneState lane) =>
    [
        new($"{lane.Lane}_queued_depth", lane.Queued.Observed, lane.Queued.Threshold),
        new($"{lane.Lane}_dead_letter_depth", lane.DeadLetters.Observed, lane.DeadLetters.Threshold),
        Age($"{lane.Lane}_oldest_queued_age", lane.OldestQueued),
        Age($"{lane.Lane}_oldest_running_age", lane.OldestRunning),
    ];

    private static QueueFinding Age(string kind, (TimeSpan Observed, TimeSpan Threshold) age) =>
        new(kind, (long)age.Observed.TotalMilliseconds, (long)age.Threshold.TotalMilliseconds);

    /// <summary><c>warning</c> if any finding exceeds its threshold, else <c>ok</c>.</summary>
    public static string Level(IEnumerable<QueueFinding> findings) => findings.Any(finding => finding.IsExceeded) ? "warning" : "ok";
}

/// <summary>A value of the tool queue and its threshold.</summary>
/// <param name="Kind">
/// <c>queued_depth</c>, <c>dead_letter_depth</c>, <c>oldest_queued_age</c> or <c>oldest_running_age</c>; of a lane with thresholds of its
/// own with its name before it: <c>deliveries_queued_depth</c>.
/// </param>
/// <param name="Observed">Jobs for a depth, milliseconds for an age.</param>
/// <param name="Threshold">In the same unit.</param>
public sealed record QueueFinding(string Kind, long Observed, long Threshold)
{
    public bool IsExceeded => Observed > Threshold;
}

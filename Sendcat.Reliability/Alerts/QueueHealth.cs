namespace Sendcat.Reliability.Alerts;

/// <summary>What of the tool queue is judged.</summary>
/// <param name="Queued">Jobs that are due and wait; replays and retries whose time has not come put no pressure on anybody.</param>
/// <param name="OldestQueued">How long the oldest of them has been due.</param>
public sealed record QueueState(int Queued, int DeadLetters, TimeSpan OldestQueued, TimeSpan OldestRunning);

/// <summary>Says of a state of the tool queue what is too much.</summary>
public static class QueueHealth
{
    /// <summary>All four kinds, whether or not they are too much.</summary>
    public static IReadOnlyList<QueueFinding> Judge(QueueState state, ToolQueueAlertOptions thresholds) =>
    [
        new("queued_depth", state.Queued, thresholds.MaxQueued),
        new("dead_letter_depth", state.DeadLetters, thresholds.MaxDeadLetters),
        new("oldest_queued_age", (long)state.OldestQueued.TotalMilliseconds, thresholds.MaxQueuedAgeMs),
        new("oldest_running_age", (long)state.OldestRunning.TotalMilliseconds, thresholds.MaxRunningAgeMs),
    ];

    /// <summary><c>warning</c> as soon as anything is too much, else <c>ok</c>.</summary>
    public static string Level(IEnumerable<QueueFinding> findings) => findings.Any(finding => finding.IsExceeded) ? "warning" : "ok";
}

/// <param name="Kind"><c>queued_depth</c>, <c>dead_letter_depth</c>, <c>oldest_queued_age</c> or <c>oldest_running_age</c>.</param>
/// <param name="Observed">Jobs, or milliseconds.</param>
public sealed record QueueFinding(string Kind, long Observed, long Threshold)
{
    public bool IsExceeded => Observed > Threshold;
}

using System.Text.Json;
using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Ops;

/// <summary>
/// The current state of the tool queue. The counts are exact. Jobs that ended are counted when they ended within the window.
/// </summary>
/// <param name="ByTool">The counts per tool.</param>
internal sealed record QueueView(
    DateTime GeneratedAt,
    int WindowMinutes,
    JobCounts ByStatus,
    IReadOnlyDictionary<string, JobCounts> ByTool,
    IReadOnlyDictionary<string, LanePressure> PressureByTool,
    long OldestQueuedAgeMs,
    long OldestRunningAgeMs,
    QueueHealthView Health)
{
    public static QueueView Of(ToolQueueReading reading, IReadOnlyList<QueueFinding> findings, DateTimeOffset now) => new(
        now.UtcDateTime,
        (int)reading.Window.TotalMinutes,
        JobCounts.Of(reading.Lanes),
        reading.Lanes.ToDictionary(lane => lane.Tool, lane => JobCounts.Of([lane]), StringComparer.Ordinal),
        reading.Lanes.ToDictionary(lane => lane.Tool, LanePressure.Of, StringComparer.Ordinal),
        (long)reading.OldestQueued.TotalMilliseconds,
        (long)reading.OldestRunning.TotalMilliseconds,
        QueueHealthView.Of(findings));
}

/// <param name="Failed">Jobs that ended without a result after an error that no retry can fix. Dead letters are not included.</param>
internal sealed record JobCounts(int Queued, int Running, int Completed, int Failed, int DeadLetter, int Cancelled)
{
    public static JobCounts Of(IReadOnlyList<LaneReading> lanes) => new(
        lanes.Sum(lane => lane.Queued), lanes.Sum(lane => lane.Running), lanes.Sum(lane => lane.Completed), lanes.Sum(lane => lane.Failed),
        lanes.Sum(lane => lane.DeadLetters),
        lanes.Sum(lane => lane.Cancelled));
}

/// <param name="Due">Queued jobs that could start now.</param>
/// <param name="QueuedUtilization">Due jobs divided by the lane's cap; above 1 only while caps are advisory.</param>
/// <param name="OverCap">Jobs that were accepted over the cap while caps were advisory.</param>
internal sealed record LanePressure(
    string QosClass, int Due, double QueuedUtilization, double RunningUtilization, long OldestQueuedAgeMs, long OldestRunningAgeMs,
    long OldestDeadLetterAgeMs, int OverCap)
{
    public static LanePressure Of(LaneReading lane) => new(
        lane.QosClass, lane.QueuedDue, Math.Round(lane.QueuedUtilization, 4), Math.Round(lane.RunningUtilization, 4),
        (long)lane.OldestQueued.TotalMilliseconds, (long)lane.OldestRunning.TotalMilliseconds,
        (long)lane.OldestDeadLetter.TotalMilliseconds, lane.OverCap);
}

/// <param name="Level"><c>ok</c> or <c>warning</c></param>
internal sealed record QueueHealthView(string Level, IReadOnlyList<QueueFinding> Findings)
{
    public static QueueHealthView Of(IReadOnlyList<QueueFinding> findings) => new(QueueHealth.Level(findings), findings);
}

/// <param name="CreatedAlerts">The number of new alerts. A finding in its cool-down creates none.</param>
internal sealed record QueueChecked(bool Enabled, int CreatedAlerts, int ClearedAlerts, int WindowMinutes, QueueHealthView Health)
{
    public static QueueChecked Of(QueueCheck check) =>
        new(check.Enabled, check.Created, check.Cleared, check.WindowMinutes, QueueHealthView.Of(check.Findings));
}

/// <param name="Observed">Jobs or milliseconds: the largest value observed in the alert's time slot.</param>
/// <param name="ClearedAt">Absent while the alert is active.</param>
internal sealed record QueueAlertView(
    string AlertKey, string Kind, long Observed, long Threshold, int WindowMinutes, DateTime CreatedAt, DateTime ExpiresAt,
    DateTime? ClearedAt)
{
    public static QueueAlertView Of(QueueAlert alert) =>
        new(
            alert.AlertKey, alert.Kind, alert.Observed, alert.Threshold, alert.WindowMinutes, alert.CreatedAt.UtcDateTime,
            alert.ExpiresAt.UtcDateTime, alert.ClearedAt?.UtcDateTime);
}

/// <summary>One job.</summary>
/// <param name="Status"><c>queued</c>, <c>running</c>, <c>completed</c>, <c>failed</c>, <c>dead_letter</c> or <c>cancelled</c>.</param>
/// <param name="AvailableAt">When it is, or was, due.</param>
/// <param name="Worker">The worker of the last attempt.</param>
/// <param name="LeaseExpiresAt">Present while it runs.</param>
/// <param name="History">One object for each failed attempt, across all replays.</param>
internal sealed record ToolJobView(
    Guid Id, string Tool, string QosClass, string Principal, string Status, int Attempts, int MaxAttempts, int ReplayCount, int Waiters,
    DateTime CreatedAt, DateTime AvailableAt, DateTime? StartedAt, DateTime? CompletedAt, string? Worker, DateTime? LeaseExpiresAt,
    string? DeadLetterReason, string? Error, string? Fingerprint, string? TraceParent, JsonElement? Arguments, JsonElement? History)
{
    public static ToolJobView Of(ToolJobRow row) => new(
        row.Id, row.Tool, row.QosClass, row.Principal, row.Status, row.Attempts, row.MaxAttempts, row.ReplayCount, row.Waiters,
        row.CreatedAt.UtcDateTime, row.AvailableAt.UtcDateTime, row.StartedAt?.UtcDateTime, row.CompletedAt?.UtcDateTime, row.LeaseOwner,
        row.LeaseExpiresAt?.UtcDateTime, row.DeadLetterReason, row.LastError, row.Fingerprint, row.TraceParent,
        DeadLetterView.Json(row.Arguments), DeadLetterView.Json(row.History));
}

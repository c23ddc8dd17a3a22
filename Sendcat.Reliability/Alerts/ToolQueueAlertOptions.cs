using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Alerts;

/// <summary>Thresholds of the alerts about the tool queue.</summary>
public sealed class ToolQueueAlertOptions
{
    /// <summary>Enables the checks of the tool queue.</summary>
    [Knob("TOOL_QUEUE_ALERTS_ENABLED")]
    public bool Enabled { get; set; } = true;

    /// <summary>A label of the alerts only: a check uses the present state.</summary>
    [Knob("TOOL_QUEUE_ALERT_WINDOW_MIN"), Range(1, 60)]
    public int WindowMinutes { get; set; } = 5;

    /// <summary>At most one alert of a kind is raised in this time.</summary>
    [Knob("TOOL_QUEUE_ALERT_COOLDOWN_MS"), Range(60_000, 86_400_000)]
    public int CooldownMs { get; set; } = 900_000;

    /// <summary>More queued jobs than this raise an alert.</summary>
    [Knob("TOOL_QUEUE_ALERT_MAX_QUEUED"), Range(1, 500_000)]
    public int MaxQueued { get; set; } = 200;

    /// <summary>More dead letters than this raise an alert.</summary>
    [Knob("TOOL_QUEUE_ALERT_MAX_DLQ"), Range(1, 500_000)]
    public int MaxDeadLetters { get; set; } = 20;

    /// <summary>A job that waits longer than this raises an alert.</summary>
    [Knob("TOOL_QUEUE_ALERT_MAX_QUEUED_AGE_MS"), Range(1_000, 3_600_000)]
    public int MaxQueuedAgeMs { get; set; } = 60_000;

    /// <summary>A job that runs longer than this raises an alert.</summary>
    [Knob("TOOL_QUEUE_ALERT_MAX_RUNNING_AGE_MS"), Range(1_000, 3_600_000)]
    public int MaxRunningAgeMs { get; set; } = 300_000;

    /// <summary>Sentry DSN of alerts about the tool queue; empty: <c>SENTRY_DSN</c>. Read by the Monitor.</summary>
    [Knob("TOOL_QUEUE_SENTRY_DSN", Secret = true)]
    public string SentryDsn { get; set; } = "";
}

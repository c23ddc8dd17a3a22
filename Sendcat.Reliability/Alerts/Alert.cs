namespace Sendcat.Reliability.Alerts;

/// <summary>
/// An alert as it is stored. The fields of its kind are stored with it, so that another version of the program can show it.
/// </summary>
/// <param name="Id">Ascending with the time of creation; negative for an alert that is not in Postgres.</param>
public sealed record Alert(long Id, string Kind, string Subject)
{
    public required AlertSeverity Severity { get; init; }

    /// <summary>The cause at the last round in which the condition held.</summary>
    public required string Cause { get; init; }

    public required string Command { get; init; }

    public required string Playbook { get; init; }

    public required string Over { get; init; }

    public required double Observed { get; init; }

    public required double Threshold { get; init; }

    public required IReadOnlyDictionary<string, string> Tags { get; init; }

    public required DateTimeOffset RaisedAt { get; init; }

    /// <summary>The last round in which the condition held.</summary>
    public required DateTimeOffset SeenAt { get; init; }

    /// <summary>When the last notification that requires attention was due: at the raising, a rise of the severity or a reminder.</summary>
    public required DateTimeOffset NotifiedAt { get; init; }

    public DateTimeOffset? AcknowledgedAt { get; init; }

    /// <summary>The operator who has taken it over: no reminder follows.</summary>
    public string? AcknowledgedBy { get; init; }

    public string? AcknowledgedReason { get; init; }

    /// <summary>Null while it is open.</summary>
    public DateTimeOffset? ResolvedAt { get; init; }

    public AlertKey Key => new(Kind, Subject);

    internal static Alert Of(long id, AlertFinding finding, DateTimeOffset now) => new(id, finding.Kind.Name, finding.Subject)
    {
        Severity = finding.Kind.Severity,
        Cause = finding.Cause,
        Command = finding.Kind.Command,
        Playbook = finding.Kind.Playbook,
        Over = finding.Kind.Over,
        Observed = finding.Observed,
        Threshold = finding.Threshold,
        Tags = finding.Tags,
        RaisedAt = now,
        SeenAt = now,
        NotifiedAt = now,
    };

    internal Alert Seen(AlertChange.Held change, DateTimeOffset now) => this with
    {
        Severity = change.Severity,
        Cause = change.Finding.Cause,
        Observed = change.Finding.Observed,
        Threshold = change.Finding.Threshold,
        Tags = change.Finding.Tags,
        SeenAt = now,
        NotifiedAt = change.Event is AlertEvent.Raised or AlertEvent.Reminded ? now : NotifiedAt,
        AcknowledgedAt = change.IsNew ? null : AcknowledgedAt,
        AcknowledgedBy = change.IsNew ? null : AcknowledgedBy,
        AcknowledgedReason = change.IsNew ? null : AcknowledgedReason,
        ResolvedAt = null,
    };
}

/// <summary>A message about an alert to one channel.</summary>
/// <param name="MessageId">The same for each attempt, so that a receiver can drop a repetition.</param>
/// <param name="Attempts">Attempts so far.</param>
public sealed record AlertNotice(
    long Id, Alert Alert, string Channel, AlertEvent Event, Guid MessageId, DateTimeOffset CreatedAt, int Attempts)
{
    /// <summary>Time for which delivery is tried.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    public DateTimeOffset? SentAt { get; init; }

    public DateTimeOffset? FailedAt { get; init; }

    /// <summary>Why the last attempt failed; null when it did not.</summary>
    public string? Failure { get; init; }

    /// <summary>
    /// The pause after a failed attempt: shorter than the interval of the rounds at first, then doubled up to five minutes.
    /// </summary>
    /// <param name="attempts">Attempts so far, at least 1.</param>
    internal static TimeSpan PauseAfter(int attempts)
    {
        var pause = FirstPause * Math.Pow(2, Math.Min(attempts - 1, 10));
        return pause < LongestPause ? pause : LongestPause;
    }
}

/// <summary>What a message about an alert says.</summary>
public enum AlertEvent
{
    /// <summary>It began, or its severity has risen.</summary>
    Raised,

    /// <summary>It is still open, and nobody has acknowledged it.</summary>
    Reminded,

    /// <summary>Its condition holds again within the cooldown.</summary>
    Reopened,

    Resolved,
}

public static class AlertNames
{
    /// <summary>The name in JSON and in the database.</summary>
    public static string Name(this AlertEvent happened) => happened switch
    {
        AlertEvent.Raised => "raised",
        AlertEvent.Reminded => "reminded",
        AlertEvent.Reopened => "reopened",
        AlertEvent.Resolved => "resolved",
        _ => throw new ArgumentOutOfRangeException(nameof(happened), happened, "The event has no name."),
    };

    /// <inheritdoc cref="Name(AlertEvent)"/>
    public static string Name(this AlertSeverity severity) => severity switch
    {
        AlertSeverity.Ticket => "ticket",
        AlertSeverity.Page => "page",
        _ => throw new ArgumentOutOfRangeException(nameof(severity), severity, "The severity has no name."),
    };

    internal static AlertEvent EventOf(string name) => Enum.GetValues<AlertEvent>().Single(known => known.Name() == name);

    internal static AlertSeverity SeverityOf(string name) => Enum.GetValues<AlertSeverity>().Single(known => known.Name() == name);
}

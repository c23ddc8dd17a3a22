namespace Sendcat.Reliability.Alerts;

/// <summary>A kind of alert: what does not change from one alert of the kind to the next.</summary>
/// <param name="Name">In snake case, for instance <c>circuit_open</c>.</param>
/// <param name="Severity">How urgent an alert of the kind is.</param>
public sealed record AlertKind(string Name, AlertSeverity Severity)
{
    /// <summary>When an alert of the kind is raised, in words.</summary>
    public required string When { get; init; }

    /// <summary>A command that shows more and changes nothing.</summary>
    public required string Command { get; init; }

    /// <summary>The page and heading that say what to do.</summary>
    public required string Playbook { get; init; }

    /// <summary>What is seen when the cause has ended.</summary>
    public required string Over { get; init; }

    /// <summary>How long the condition must hold before an alert is raised.</summary>
    public TimeSpan For { get; init; }

    /// <summary>After a message about an alert, time in which the same condition is no new alert: the old one is opened again.</summary>
    public TimeSpan Cooldown { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Time after a message about an open alert that nobody has acknowledged, until it is sent again.</summary>
    public TimeSpan Remind { get; init; } = TimeSpan.FromMinutes(30);
}

public enum AlertSeverity
{
    /// <summary>Can wait for working hours.</summary>
    Ticket,

    /// <summary>Somebody must look now.</summary>
    Page,
}

/// <summary>A condition of a kind that holds now.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Subject">What it is about: a bucket, a provider, a lane. Empty when there is only one.</param>
/// <param name="Observed">The value that was observed.</param>
/// <param name="Threshold">The value that it is compared with.</param>
/// <param name="Cause">A sentence for people that names the cause.</param>
public sealed record AlertFinding(AlertKind Kind, string Subject, double Observed, double Threshold, string Cause)
{
    /// <summary>Further names for receivers of messages, from small closed sets.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public AlertKey Key => new(Kind.Name, Subject);
}

/// <summary>There is at most one open alert of a key.</summary>
public readonly record struct AlertKey(string Kind, string Subject);

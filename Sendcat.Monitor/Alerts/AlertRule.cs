using System.Globalization;
using Sendcat.Reliability.Alerts;

namespace Sendcat.Monitor.Alerts;

/// <summary>A rule: a kind of alert, and the condition that raises it.</summary>
/// <param name="Kind">What the alerts of the rule say.</param>
/// <param name="Feature">Where Sentry gets it.</param>
/// <param name="Judge">Finds what holds now; null: the facts that it needs could not be read.</param>
internal sealed record AlertRule(
    AlertKind Kind, AlertFeature Feature, Func<AlertFacts, AlertPolicy, AlertKind, IEnumerable<AlertFinding>?> Judge)
{
    /// <summary>Commands that show more and change nothing.</summary>
    public const string Snapshot = "./sendcat snapshot --minutes 5";
    public const string Groups = "./sendcat dlq groups";
    public const string Status = "./sendcat status";
    public const string Timeline = "./sendcat timeline --minutes 15";

    /// <summary>A kind whose playbook is its heading on the page of the alerts.</summary>
    public static AlertKind Of(string name, AlertSeverity severity, string when, string command, string over) => new(name, severity)
    {
        When = when, Command = command, Over = over, Playbook = $"docs/alerts.md#{name}",
    };

    public static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    public static string Percent(double share) => Text($"{share * 100:0} %");
}

/// <summary>Which Sentry project gets an alert, and with which tags.</summary>
internal enum AlertFeature
{
    RateLimit,
    Bulkhead,
    ToolQueue,

    /// <summary>Everything else.</summary>
    Service,
}

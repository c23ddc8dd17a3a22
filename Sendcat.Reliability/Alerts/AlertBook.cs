namespace Sendcat.Reliability.Alerts;

/// <summary>What one round found.</summary>
/// <param name="Findings">The conditions that hold.</param>
/// <param name="Unknown">Kinds whose data could not be read: their alerts neither begin nor end in this round.</param>
public sealed record AlertRound(IReadOnlyList<AlertFinding> Findings, IReadOnlySet<string> Unknown)
{
    /// <summary>Single alerts of which nothing is known now: they neither begin nor end in this round.</summary>
    public IReadOnlySet<AlertKey> UnknownAlerts { get; init; } = new HashSet<AlertKey>();
}

/// <summary>What a round changes.</summary>
/// <param name="Pending">Since when conditions hold that are not alerts yet, for the next round.</param>
public sealed record AlertStep(IReadOnlyList<AlertChange> Changes, IReadOnlyDictionary<AlertKey, DateTimeOffset> Pending);

/// <summary>A change of an alert.</summary>
public abstract record AlertChange
{
    private AlertChange()
    {
    }

    public abstract AlertKey Key { get; }

    /// <summary>The message that the change causes; null: none.</summary>
    public AlertEvent? Event { get; private init; }

    public abstract string Cause { get; }

    public abstract string Playbook { get; }

    internal sealed record Raised(AlertFinding Finding) : AlertChange
    {
        public override AlertKey Key => Finding.Key;

        public override string Cause => Finding.Cause;

        public override string Playbook => Finding.Kind.Playbook;
    }

    /// <summary>The condition of the alert holds, also when the alert was resolved before.</summary>
    /// <param name="Severity">The severity of the alert from now on.</param>
    internal sealed record Held(Alert Alert, AlertFinding Finding, AlertSeverity Severity) : AlertChange
    {
        /// <summary>It requires attention anew, so who has taken it over before has not taken over this.</summary>
        public bool IsNew => Event is AlertEvent.Raised or AlertEvent.Reopened;

        public override AlertKey Key => Finding.Key;

        public override string Cause => Finding.Cause;

        public override string Playbook => Finding.Kind.Playbook;
    }

    internal sealed record Resolved(Alert Alert) : AlertChange
    {
        public override AlertKey Key => Alert.Key;

        public override string Cause => Alert.Cause;

        public override string Playbook => Alert.Playbook;
    }

    internal static AlertChange Raise(AlertFinding finding) => new Raised(finding) { Event = AlertEvent.Raised };

    /// <param name="happened">
    /// Null: nothing is sent; <see cref="AlertEvent.Reminded"/>, <see cref="AlertEvent.Reopened"/>, or <see cref="AlertEvent.Raised"/> when
    /// the severity rises.
    /// </param>
    internal static AlertChange Hold(Alert alert, AlertFinding finding, AlertSeverity severity, AlertEvent? happened) =>
        new Held(alert, finding, severity) { Event = happened };

    internal static AlertChange Resolve(Alert alert) => new Resolved(alert) { Event = AlertEvent.Resolved };
}

/// <summary>
/// Decides which alerts a round raises, opens again, repeats and resolves. A pure function: the clock and the past are arguments.
/// </summary>
public static class AlertBook
{
    /// <summary>An open alert is resolved when its condition has not held for this time.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(60);

    /// <param name="known">The open alerts, and those that were resolved within the longest cooldown.</param>
    /// <param name="pending">From the step before; empty at the start.</param>
    /// <param name="round">What was found.</param>
    /// <param name="now">The time of the round.</param>
    public static AlertStep Step(
        IReadOnlyCollection<Alert> known, IReadOnlyDictionary<AlertKey, DateTimeOffset> pending, AlertRound round, DateTimeOffset now)
    {
        var changes = new List<AlertChange>();
        var waiting = pending.Where(entry => IsUnknown(entry.Key)).ToDictionary();
        var newest = known.OrderBy(alert => alert.ResolvedAt is null).ThenBy(alert => alert.RaisedAt)
            .GroupBy(alert => alert.Key).ToDictionary(same => same.Key, same => same.Last());
        foreach (var finding in round.Findings.DistinctBy(finding => finding.Key))
        {
            var last = newest.GetValueOrDefault(finding.Key);
            if (last is { ResolvedAt: null })
            {
                var reminds = last.AcknowledgedAt is null && now - last.NotifiedAt >= finding.Kind.Remind;
                AlertEvent? message = finding.Kind.Severity > last.Severity ? AlertEvent.Raised : reminds ? AlertEvent.Reminded : null;
                changes.Add(AlertChange.Hold(last, finding, SeverityOf(last, finding, now), message));
            }
            else if (last is not null && now - last.NotifiedAt < finding.Kind.Cooldown)
            {
                var message = finding.Kind.Severity > last.Severity ? AlertEvent.Raised : AlertEvent.Reopened;
                changes.Add(AlertChange.Hold(last, finding, SeverityOf(last, finding, now), message));
            }
            else if (pending.GetValueOrDefault(finding.Key, now) is var since && now - since >= finding.Kind.For)
            {
                changes.Add(AlertChange.Raise(finding));
            }
            else
            {
                waiting[finding.Key] = since;
            }
        }

        var found = round.Findings.Select(finding => finding.Key).ToHashSet();
        changes.AddRange(
            from alert in known
            where alert.ResolvedAt is null && now - alert.SeenAt >= Quiet
                && !found.Contains(alert.Key) && !IsUnknown(alert.Key)
            select AlertChange.Resolve(alert));
        return new(changes, waiting);

        bool IsUnknown(AlertKey key) => round.Unknown.Contains(key.Kind) || round.UnknownAlerts.Contains(key);
    }

    /// <summary>
    /// A severity rises at once, with a message, and falls when the cooldown after the last message is over: one that rises and falls again
    /// and again sends one message in that time.
    /// </summary>
    private static AlertSeverity SeverityOf(Alert last, AlertFinding finding, DateTimeOffset now) =>
        finding.Kind.Severity > last.Severity || now - last.NotifiedAt >= finding.Kind.Cooldown ? finding.Kind.Severity : last.Severity;
}

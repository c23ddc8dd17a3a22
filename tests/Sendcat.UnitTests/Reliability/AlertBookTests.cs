using Sendcat.Reliability.Alerts;

namespace Sendcat.UnitTests.Reliability;

/// <summary>When alerts begin, are repeated and end, on a simulated clock. The memory is the store.</summary>
public sealed class AlertBookTests
{
    private static readonly AlertKind Kind = new("too_many", AlertSeverity.Ticket)
    {
        When = "", Command = "", Playbook = "", Over = "", Cooldown = TimeSpan.FromMinutes(15), Remind = TimeSpan.FromMinutes(30),
    };

    private static readonly AlertFinding Over = new(Kind, "a", 5, 3, "five are more than three");

    private readonly MemoryAlertStore _store = new([]);
    private IReadOnlyDictionary<AlertKey, DateTimeOffset> _pending = new Dictionary<AlertKey, DateTimeOffset>();
    private DateTimeOffset _now = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_condition_that_lasts_is_one_alert_with_one_message()
    {
        Assert.Equal(["raised"], await RoundAsync(Over));
        Assert.Equal([], await RoundAsync(Over with { Observed = 9 }));

        var alert = Assert.Single(_store.Alerts);
        Assert.Equal((9d, 3d, null), (alert.Observed, alert.Threshold, alert.ResolvedAt));
    }

    [Fact]
    public async Task An_alert_is_resolved_a_minute_after_its_condition_held_last()
    {
        await RoundAsync(Over);
        await RoundAsync(Over);

        Assert.Equal([], await RoundAsync());
        Assert.Equal([], await RoundAsync());
        Assert.Equal([], await RoundAsync());
        Assert.Equal(["resolved"], await RoundAsync());
        Assert.Equal(_now - TimeSpan.FromSeconds(15), Assert.Single(_store.Alerts).ResolvedAt);
    }

    [Fact]
    public async Task Within_the_cooldown_after_the_message_the_same_alert_is_opened_again()
    {
        await RoundAsync(Over);
        _now += TimeSpan.FromMinutes(2);
        await RoundAsync();
        _now += TimeSpan.FromMinutes(12);

        Assert.Equal(["reopened"], await RoundAsync(Over));

        Assert.Null(Assert.Single(_store.Alerts).ResolvedAt);
    }

    [Fact]
    public async Task The_cooldown_is_measured_from_the_last_message_and_not_by_the_clock()
    {
        // Slots of the clock would end at 12:15, a second after the first alert.
        _now = new(2026, 11, 27, 12, 14, 59, TimeSpan.Zero);
        await RoundAsync(Over);
        _now += TimeSpan.FromMinutes(2);
        await RoundAsync();

        Assert.Equal(["reopened"], await RoundAsync(Over));
        _now += TimeSpan.FromMinutes(2);
        await RoundAsync();
        _now += TimeSpan.FromMinutes(15);
        Assert.Equal(["raised"], await RoundAsync(Over));

        Assert.Equal(2, _store.Alerts.Count);
    }

    [Fact]
    public async Task An_open_alert_is_repeated_until_somebody_acknowledges_it()
    {
        await RoundAsync(Over);
        _now += TimeSpan.FromMinutes(30);
        Assert.Equal(["reminded"], await RoundAsync(Over));
        Assert.Equal([], await RoundAsync(Over));

        var acknowledged = new MemoryAlertStore(_store.Alerts.Select(alert => alert with { AcknowledgedAt = _now }));
        _now += TimeSpan.FromMinutes(30);

        Assert.Equal([], await RoundAsync(acknowledged, [Over], []));
    }

    [Fact]
    public async Task An_alert_that_opens_again_is_nobodys_and_is_repeated()
    {
        await RoundAsync(Over);
        var acknowledged = new MemoryAlertStore(
            _store.Alerts.Select(alert => alert with { AcknowledgedAt = _now, AcknowledgedBy = "ann" }));
        _now += TimeSpan.FromMinutes(2);
        await RoundAsync(acknowledged, [], []);

        Assert.Equal(["reopened"], await RoundAsync(acknowledged, [Over], []));
        Assert.Equal((null, null), (Assert.Single(acknowledged.Alerts).AcknowledgedAt, acknowledged.Alerts[0].AcknowledgedBy));
        _now += TimeSpan.FromMinutes(28);

        Assert.Equal(["reminded"], await RoundAsync(acknowledged, [Over], []));
    }

    [Fact]
    public async Task A_severity_that_rises_is_a_message_also_of_an_acknowledged_alert_and_falls_after_the_cooldown()
    {
        var page = Over with { Kind = Kind with { Severity = AlertSeverity.Page } };
        await RoundAsync(Over);
        var store = new MemoryAlertStore(_store.Alerts.Select(alert => alert with { AcknowledgedAt = _now }));

        Assert.Equal(["raised"], await RoundAsync(store, [page], []));
        Assert.Equal([], await RoundAsync(store, [Over], []));
        Assert.Equal([], await RoundAsync(store, [page], []));
        var alert = Assert.Single(store.Alerts);
        Assert.Equal((AlertSeverity.Page, null), (alert.Severity, alert.AcknowledgedAt));

        _now += Kind.Cooldown;
        Assert.Equal([], await RoundAsync(store, [Over], []));
        Assert.Equal(AlertSeverity.Ticket, Assert.Single(store.Alerts).Severity);
        Assert.Equal(["raised"], await RoundAsync(store, [page], []));
    }

    [Fact]
    public async Task An_alert_whose_subject_is_unknown_goes_on_and_no_other_one_begins()
    {
        await RoundAsync(Over);
        _now += TimeSpan.FromHours(1);

        Assert.Equal([], await RoundAsync(_store, [], [], Over.Key, Over.Key with { Subject = "b" }));
        Assert.Null(Assert.Single(_store.Alerts).ResolvedAt);
        Assert.Equal(["resolved"], await RoundAsync());
    }

    [Fact]
    public async Task A_condition_must_hold_for_the_time_of_its_kind()
    {
        var late = Over with { Kind = Kind with { For = TimeSpan.FromSeconds(30) } };

        Assert.Equal([], await RoundAsync(late));
        Assert.Equal([], await RoundAsync(late));
        Assert.Equal(["raised"], await RoundAsync(late));
    }

    [Fact]
    public async Task A_condition_that_did_not_hold_in_between_begins_anew()
    {
        var late = Over with { Kind = Kind with { For = TimeSpan.FromSeconds(15) } };
        await RoundAsync(late);
        await RoundAsync();

        Assert.Equal([], await RoundAsync(late));
    }

    [Fact]
    public async Task Nothing_begins_or_ends_while_nothing_is_known()
    {
        await RoundAsync(Over);
        _now += TimeSpan.FromHours(1);

        Assert.Equal([], await RoundAsync(_store, [], [Kind.Name]));
        Assert.Null(Assert.Single(_store.Alerts).ResolvedAt);
    }

    [Fact]
    public async Task Two_subjects_of_a_kind_are_two_alerts()
    {
        Assert.Equal(["raised", "raised"], await RoundAsync(Over, Over with { Subject = "b" }));
        _now += TimeSpan.FromMinutes(2);
        Assert.Equal(["resolved"], await RoundAsync(Over));

        Assert.Equal("b", Assert.Single(_store.Alerts, alert => alert.ResolvedAt is not null).Subject);
    }

    [Fact]
    public async Task A_message_that_failed_is_due_again_after_a_pause_that_grows()
    {
        await RoundAsync(Over);
        var notice = Assert.Single(await _store.DueAsync(_now, CancellationToken.None));

        var pauses = new List<double>();
        for (var attempt = 0; attempt < 8; attempt++)
        {
            await _store.EndAsync(notice, "away", _now, CancellationToken.None);
            var failed = _now;
            while ((await _store.DueAsync(_now, CancellationToken.None)).Count == 0)
            {
                _now += TimeSpan.FromSeconds(1);
            }

            pauses.Add((_now - failed).TotalSeconds);
            notice = Assert.Single(await _store.DueAsync(_now, CancellationToken.None));
        }

        Assert.Equal([10, 20, 40, 80, 160, 300, 300, 300], pauses);
        await _store.EndAsync(notice, null, _now, CancellationToken.None);
        Assert.Empty(await _store.DueAsync(_now + TimeSpan.FromHours(1), CancellationToken.None));
    }

    private Task<IReadOnlyList<string>> RoundAsync(params AlertFinding[] findings) => RoundAsync(_store, findings, []);

    /// <summary>One round, 15 s before the next one.</summary>
    /// <returns>The messages that it causes.</returns>
    private async Task<IReadOnlyList<string>> RoundAsync(
        MemoryAlertStore store, AlertFinding[] findings, string[] unknown, params AlertKey[] unknownAlerts)
    {
        var known = await store.KnownAsync(_now, CancellationToken.None);
        var round = new AlertRound(findings, unknown.ToHashSet(StringComparer.Ordinal)) { UnknownAlerts = unknownAlerts.ToHashSet() };
        var step = AlertBook.Step(known, _pending, round, _now);
        _pending = step.Pending;
        await store.CommitAsync(step.Changes, (_, _) => ["channel"], _now, CancellationToken.None);
        _now += TimeSpan.FromSeconds(15);
        return [.. step.Changes.Select(change => change.Event?.Name()).OfType<string>()];
    }
}

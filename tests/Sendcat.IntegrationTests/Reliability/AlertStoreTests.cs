using Npgsql;
using Sendcat.Reliability.Alerts;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>Alerts in Postgres: one watcher leads, and any other goes on where it ended.</summary>
public sealed class AlertStoreTests(SharedStores stores) : IAsyncLifetime
{
    private static readonly AlertKind Kind = new("rate_limit_blocked", AlertSeverity.Ticket)
    {
        When = "when", Command = "look", Playbook = "page#heading", Over = "over",
    };

    private static readonly AlertFinding Over = new(Kind, "whatsapp_webhook", 41, 40, "41 were refused.")
    {
        Tags = new Dictionary<string, string> { [AlertTags.Bucket] = "whatsapp_webhook", [AlertTags.Outcome] = "blocked" },
    };

    private NpgsqlDataSource _database = null!;
    private DateTimeOffset _now = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _database = NpgsqlDataSource.Create(await MigratedDatabase.CreateForReliabilityAsync(await stores.PostgresAsync()));

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task One_watcher_leads_until_it_is_silent_for_its_term_or_resigns()
    {
        var (one, two) = (Watcher("one"), Watcher("two"));

        Assert.True(await one.LeadAsync(_now, Stop));
        Assert.False(await two.LeadAsync(_now, Stop));
        _now += AlertStore.Term - TimeSpan.FromSeconds(1);
        Assert.False(await two.LeadAsync(_now, Stop));
        _now += TimeSpan.FromSeconds(1);
        Assert.True(await two.LeadAsync(_now, Stop));
        Assert.False(await one.LeadAsync(_now, Stop));
        Assert.False(await one.CommitAsync([AlertChange.Raise(Over)], (_, _) => [], _now, Stop));
        Assert.Empty(await one.KnownAsync(_now, Stop));

        await two.ResignAsync(_now, Stop);
        Assert.True(await one.LeadAsync(_now, Stop));
    }

    [Fact]
    public async Task A_watcher_that_starts_goes_on_with_the_alerts_and_messages_of_another()
    {
        var one = Watcher("one");
        await RoundAsync(one, [Over]);
        var notice = Assert.Single(await one.DueAsync(_now, Stop));
        await one.EndAsync(notice, "away", _now, Stop);
        await one.ResignAsync(_now, Stop);

        _now += TimeSpan.FromSeconds(15);
        var two = Watcher("two");
        Assert.Equal([null], await RoundAsync(two, [Over with { Observed = 55 }]));

        var alert = Assert.Single(await two.KnownAsync(_now, Stop));
        Assert.Equal((55d, _now, _now - TimeSpan.FromSeconds(15)), (alert.Observed, alert.SeenAt, alert.RaisedAt));
        var again = Assert.Single(await two.DueAsync(_now, Stop));
        Assert.Equal(
            (notice.MessageId, 1, "away", "blocked"),
            (again.MessageId, again.Attempts, again.Failure, again.Alert.Tags[AlertTags.Outcome]));
        await two.EndAsync(again, null, _now, Stop);
        Assert.Empty(await two.DueAsync(_now + TimeSpan.FromHours(1), Stop));
    }

    [Fact]
    public async Task An_alert_is_resolved_and_opened_again_and_its_limit_is_listed_in_the_snapshot()
    {
        var watcher = Watcher("one");
        await RoundAsync(watcher, [Over]);
        _now += TimeSpan.FromMinutes(2);
        Assert.Equal([AlertEvent.Resolved], await RoundAsync(watcher, []));
        Assert.NotNull(Assert.Single(await watcher.KnownAsync(_now, Stop)).ResolvedAt);
        _now += TimeSpan.FromMinutes(1);
        Assert.Equal([AlertEvent.Reopened], await RoundAsync(watcher, [Over]));

        Assert.Null(Assert.Single(await watcher.KnownAsync(_now, Stop)).ResolvedAt);
        Assert.Equal(["raised", "resolved", "reopened"], (await watcher.DueAsync(_now, Stop)).Select(notice => notice.Event.Name()));
        Assert.Equal(
            "whatsapp_webhook blocked 41 40 5",
            await ScalarAsync(
                "SELECT concat_ws(' ', bucket, outcome, observed, threshold, window_minutes) FROM reliability.rate_limit_alerts"));
    }

    [Fact]
    public async Task A_severity_that_rises_and_each_opening_stay_in_the_timeline_and_end_an_acknowledgement()
    {
        var watcher = Watcher("one");
        var page = Over with { Kind = Kind with { Severity = AlertSeverity.Page } };
        await RoundAsync(watcher, [Over]);
        await ScalarAsync("UPDATE reliability.alerts SET acknowledged_at = now(), acknowledged_by = 'ann', acknowledged_reason = 'mine'");

        _now += TimeSpan.FromSeconds(15);
        Assert.Equal([AlertEvent.Raised], await RoundAsync(watcher, [page]));
        var paged = Assert.Single(await watcher.KnownAsync(_now, Stop));
        Assert.Equal(
            (AlertSeverity.Page, _now, null, null), (paged.Severity, paged.NotifiedAt, paged.AcknowledgedAt, paged.AcknowledgedReason));
        foreach (var findings in new AlertFinding[][] { [], [page], [], [page] })
        {
            _now += TimeSpan.FromMinutes(2);
            await RoundAsync(watcher, findings);
        }

        Assert.Equal(
            "12:00:15 alert_raised Alert is a page now, 12:02:15 alert_resolved Alert resolved, "
            + "12:04:15 alert_reopened Alert opened again (page), "
            + "12:06:15 alert_resolved Alert resolved, 12:08:15 alert_reopened Alert opened again (page)",
            await ScalarAsync(
                """
                SELECT string_agg(concat_ws(' ', to_char(at AT TIME ZONE 'UTC', 'HH24:MI:SS'), kind, title), ', ' ORDER BY at)
                FROM reliability.incident_marks WHERE subject = 'rate_limit_blocked whatsapp_webhook'
                """));
    }

    [Fact]
    public async Task What_was_raised_in_memory_is_stored_once_Postgres_is_back()
    {
        var watcher = Watcher("one");
        await RoundAsync(watcher, [Over]);
        var memory = new MemoryAlertStore(await watcher.KnownAsync(_now, Stop));
        _now += TimeSpan.FromSeconds(15);
        Assert.Equal([null, AlertEvent.Raised], await RoundAsync(memory, [Over, Over with { Subject = "gmail_push" }]));
        await memory.EndAsync(Assert.Single(await memory.DueAsync(_now, Stop)), null, _now, Stop);

        await watcher.AdoptAsync(memory, _now, Stop);
        await watcher.AdoptAsync(memory, _now, Stop);

        Assert.Equal(
            ["gmail_push", "whatsapp_webhook"],
            (await watcher.KnownAsync(_now, Stop)).Select(alert => alert.Subject).Order(StringComparer.Ordinal));
        Assert.Equal("whatsapp_webhook", Assert.Single(await watcher.DueAsync(_now, Stop)).Alert.Subject);
        Assert.Equal("1", await ScalarAsync("SELECT count(*)::text FROM reliability.alert_notices WHERE sent_at IS NOT NULL"));
    }

    [Fact]
    public async Task What_was_resolved_and_opened_again_in_memory_is_not_reported_once_more_by_Postgres()
    {
        var watcher = Watcher("one");
        var other = Over with { Subject = "gmail_push" };
        await RoundAsync(watcher, [Over, other]);
        _now += TimeSpan.FromMinutes(2);
        await RoundAsync(watcher, [Over]);
        await ScalarAsync("UPDATE reliability.alert_notices SET sent_at = now()");
        await ScalarAsync("UPDATE reliability.alerts SET acknowledged_at = now(), acknowledged_by = 'ann', acknowledged_reason = 'mine'");
        var memory = new MemoryAlertStore(await watcher.KnownAsync(_now, Stop));
        _now += TimeSpan.FromMinutes(2);
        Assert.Equal([AlertEvent.Reopened, AlertEvent.Resolved], await RoundAsync(memory, [other]));
        foreach (var notice in await memory.DueAsync(_now, Stop))
        {
            await memory.EndAsync(notice, null, _now, Stop);
        }

        await watcher.AdoptAsync(memory, _now, Stop);
        await watcher.AdoptAsync(memory, _now, Stop);

        Assert.Empty(await watcher.DueAsync(_now, Stop));
        Assert.Equal([null], await RoundAsync(watcher, [other]));
        Assert.Equal(
            "gmail_push raised, whatsapp_webhook raised, gmail_push resolved, gmail_push reopened, whatsapp_webhook resolved",
            await ScalarAsync(
                """
                SELECT string_agg(concat_ws(' ', a.subject, n.event), ', ' ORDER BY n.created_at, a.subject)
                FROM reliability.alert_notices n JOIN reliability.alerts a ON a.id = n.alert_id
                """));
        Assert.Equal(
            "gmail_push t, whatsapp_webhook f",
            await ScalarAsync(
                """
                SELECT string_agg(concat_ws(' ', subject, resolved_at IS NULL AND acknowledged_at IS NULL), ', ' ORDER BY subject)
                FROM reliability.alerts
                """));
    }

    [Fact]
    public async Task Old_alerts_are_deleted_hourly_at_most_a_thousand_at_a_time()
    {
        var watcher = Watcher("one");
        await RoundAsync(watcher, [Over]);
        await ScalarAsync(
            """
            INSERT INTO reliability.alerts (kind, subject, severity, cause, command, playbook, over_when, observed, threshold, tags,
              raised_at, seen_at, notified_at, resolved_at)
            SELECT 'old', n::text, 'page', '', '', '', '', 1, 0, '{}', '2026-11-01', '2026-11-01', '2026-11-01', '2026-11-01'
            FROM generate_series(1, 1500) AS n
            """);

        _now += TimeSpan.FromMinutes(59);
        await RoundAsync(watcher, [Over]);
        Assert.Equal("1501", await ScalarAsync("SELECT count(*)::text FROM reliability.alerts"));
        _now += TimeSpan.FromMinutes(1);
        await RoundAsync(watcher, [Over]);
        await RoundAsync(watcher, [Over]);

        Assert.Equal("501", await ScalarAsync("SELECT count(*)::text FROM reliability.alerts"));
    }

    private AlertStore Watcher(string holder) => new(_database, holder);

    /// <returns>The message of each change; null: none.</returns>
    private async Task<IReadOnlyList<AlertEvent?>> RoundAsync(IAlertStore store, AlertFinding[] findings)
    {
        Assert.True(await store.LeadAsync(_now, Stop));
        var step = AlertBook.Step(
            await store.KnownAsync(_now, Stop), new Dictionary<AlertKey, DateTimeOffset>(),
            new(findings, new HashSet<string>(StringComparer.Ordinal)), _now);
        Assert.True(await store.CommitAsync(step.Changes, (_, _) => ["webhook"], _now, Stop));
        return [.. step.Changes.Select(change => change.Event)];
    }

    private async Task<string?> ScalarAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Stop) as string;
    }
}

using Sendcat.Monitor.Alerts;
using Sendcat.Reliability.Alerts;
using Sendcat.UpstreamEmulator;

namespace Sendcat.UnitTests.Monitor.Alerts;

/// <summary>Which project of Sentry gets an alert, and with which logger, tag and extra.</summary>
public sealed class SentryChannelTests
{
    private const string NoDsn = "";
    private const string General = "1";
    private const string Limits = "2";
    private const string Queue = "3";

    [Theory]
    [InlineData(General, Limits, Queue, "rate_limit_blocked", Limits, "sendcat.rateLimit.monitor", "rate_limit_monitor", "windowMinutes")]
    [InlineData(General, NoDsn, Queue, "rate_limit_contention", General, "sendcat.rateLimit.monitor", "rate_limit_monitor", "threshold")]
    [InlineData(General, Limits, Queue, "bulkhead_full", General, "sendcat.bulkhead", "bulkhead", "maxConcurrent")]
    [InlineData(NoDsn, Limits, Queue, "bulkhead_full", Limits, "sendcat.bulkhead", "bulkhead", "inFlight")]
    [InlineData(General, Limits, Queue, "tool_queue", Queue, "sendcat.toolJobs.monitor", "tool_queue_monitor", "observed")]
    [InlineData(General, Limits, NoDsn, "tool_wait", General, "sendcat.toolJobs.monitor", "tool_queue_monitor", "windowMinutes")]
    [InlineData(General, Limits, Queue, "circuit_open", General, "sendcat.monitor", "monitor", "playbook")]
    [InlineData(NoDsn, Limits, Queue, "slo_burn", Limits, "sendcat.monitor", "monitor", "over")]
    public async Task An_alert_goes_to_the_DSN_of_its_feature(
        string general, string limits, string queue, string kind, string project, string logger, string feature, string extra)
    {
        await using var sentry = await UpstreamEmulatorHost.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        using var channel = new SentryChannel(Dsn(general), Dsn(limits), Dsn(queue));

        Assert.True(channel.Takes(kind, AlertEvent.Raised));
        Assert.Null(await channel.SendAsync(NoticeOf(kind), TestContext.Current.CancellationToken));

        var (got, _, report) = Assert.Single(sentry.SentryEvents);
        Assert.Equal(
            (project, logger, feature, kind, "page"),
            (got, report.GetProperty("logger").GetString(), Tag("feature"), Tag("alert"), Tag("severity")));
        Assert.True(report.GetProperty("extra").TryGetProperty(extra, out _));

        string? Tag(string name) => report.GetProperty("tags").GetProperty(name).GetString();

        string Dsn(string name) => name.Length == 0 ? "" : sentry.SentryDsn(name);
    }

    [Theory]
    [InlineData(NoDsn, Limits, NoDsn, "tool_queue")]
    [InlineData(NoDsn, NoDsn, Queue, "rate_limit_blocked")]
    [InlineData(NoDsn, NoDsn, Queue, "circuit_open")]
    public void An_alert_without_a_DSN_of_its_feature_goes_nowhere(string general, string limits, string queue, string kind)
    {
        using var channel = new SentryChannel(Dsn(general), Dsn(limits), Dsn(queue));

        Assert.False(channel.Takes(kind, AlertEvent.Raised));

        static string Dsn(string name) => name.Length == 0 ? "" : $"http://public@127.0.0.1:1/sentry/{name}";
    }

    [Fact]
    public void Sentry_gets_beginnings_and_repetitions_alone()
    {
        using var channel = new SentryChannel("http://public@127.0.0.1:1/sentry/1", null, null);

        Assert.Equal(
            [AlertEvent.Raised, AlertEvent.Reminded],
            Enum.GetValues<AlertEvent>().Where(happened => channel.Takes("circuit_open", happened)));
    }

    private static AlertNotice NoticeOf(string kind)
    {
        var now = TimeProvider.System.GetUtcNow();
        var alert = new Alert(1, kind, "a")
        {
            Severity = AlertSeverity.Page, Cause = "It is so.", Command = "look", Playbook = "page#a", Over = "it is not", Observed = 2,
            Threshold = 1, Tags = new Dictionary<string, string>(), RaisedAt = now, SeenAt = now, NotifiedAt = now,
        };
        return new(1, alert, "sentry", AlertEvent.Raised, Guid.NewGuid(), now, 0);
    }
}

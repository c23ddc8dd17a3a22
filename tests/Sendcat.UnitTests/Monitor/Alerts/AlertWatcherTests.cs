using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Monitor.Alerts;
using Sendcat.Monitor.Watch;
using Sendcat.Reliability.Alerts;
using Sendcat.UpstreamEmulator;
using StandardWebhooks;

namespace Sendcat.UnitTests.Monitor.Alerts;

/// <summary>The rounds of the watcher: from the operator's pages to Sentry and the webhook, on a simulated clock.</summary>
public sealed class AlertWatcherTests : IAsyncLifetime
{
    private const string Key = "a viewer key for these tests";
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly List<(string Id, string Body)> _posts = [];
    private UpstreamEmulatorHost _upstreams = null!;
    private ApiStub _api = null!;
    private WebApplication _monitor = null!;
    private AlertFacts _facts = Facts.Healthy;
    private int _webhookStatus = 200;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private AlertWatcher Watcher => _monitor.Services.GetRequiredService<AlertWatcher>();

    public async ValueTask InitializeAsync()
    {
        _upstreams = await UpstreamEmulatorHost.StartAsync(cancellationToken: Stop);
        _api = await ApiStub.StartAsync((app, stub) =>
        {
            app.MapGet("/api/chat/health", () => Results.Json(_facts.Apis[0].Health));
            Page(app, "snapshot", () => _facts.Snapshot);
            Page(app, "tool-jobs", () => _facts.Queue);
            Page(app, "conditions", () => _facts.Conditions);
            Page(app, "slo", () => _facts.Slo);
            app.MapPost("/hook", (HttpRequest request) => Receive(request, stub.LastBody));
        });
        _monitor = WatchProgram.Build(
            [
                $"--SENDCAT_API_URL={_api.Address}", $"--OPS_VIEWER_KEY={Key}", $"--RATE_LIMIT_SENTRY_DSN={_upstreams.SentryDsn("7")}",
                $"--ALERT_WEBHOOK_URL={_api.Address}hook", $"--ALERT_WEBHOOK_SECRET={Secret}", "--Logging:LogLevel:Default=None",
            ],
            builder =>
            {
                builder.AddAlerts();
                builder.Services.AddSingleton<TimeProvider>(_time);
            });
    }

    public async ValueTask DisposeAsync()
    {
        await _monitor.DisposeAsync();
        await _api.DisposeAsync();
        await _upstreams.DisposeAsync();
    }

    [Fact]
    public async Task Forty_refused_deliveries_are_one_alert_with_one_envelope_and_the_next_rounds_send_none()
    {
        await RoundAsync();
        Assert.Empty(_upstreams.SentryEvents);

        _facts = Facts.Healthy.With("whatsapp_webhook:blocked", 40);
        await RoundAsync();
        await RoundAsync();
        await RoundAsync();

        var (project, key, report) = Assert.Single(_upstreams.SentryEvents);
        Assert.Equal(
            ("7", "public", "warning", "sendcat.rateLimit.monitor"),
            (project, key, report.GetProperty("level").GetString(), report.GetProperty("logger").GetString()));
        var tags = report.GetProperty("tags");
        Assert.Equal(
            ("rate_limit_monitor", "whatsapp_webhook", "blocked"),
            (tags.GetProperty("feature").GetString(), tags.GetProperty("bucket").GetString(), tags.GetProperty("outcome").GetString()));
        var extra = report.GetProperty("extra");
        Assert.Equal(
            (40, 40, 5),
            (extra.GetProperty("observed").GetInt32(), extra.GetProperty("threshold").GetInt32(),
                extra.GetProperty("windowMinutes").GetInt32()));
        Assert.Equal(
            ["rate_limit_blocked", "whatsapp_webhook"],
            report.GetProperty("fingerprint").EnumerateArray().Select(part => part.GetString()!));
        Assert.False(report.TryGetProperty("user", out var user) && user.TryGetProperty("id", out _));
        Assert.False(report.TryGetProperty("threads", out _));
    }

    [Fact]
    public async Task While_Sentry_is_away_the_envelope_waits_and_a_later_round_delivers_it_once()
    {
        _upstreams.DirectRest("[[emu at=sentry status=503]]");
        _facts = Facts.Healthy.With("whatsapp_webhook:blocked", 40);
        await RoundAsync();
        Assert.Empty(_upstreams.SentryEvents);

        _upstreams.ClearRestDirections();
        await RoundAsync();
        await RoundAsync();

        Assert.Single(_upstreams.SentryEvents);
    }

    [Fact]
    public async Task The_webhook_gets_a_signed_message_at_the_beginning_and_at_the_end()
    {
        _facts = Facts.Healthy.With(new CircuitFact("ebay_search", "open", 4, "503", null));
        await RoundAsync();
        _facts = Facts.Healthy;
        for (var round = 0; round < 5; round++)
        {
            await RoundAsync();
        }

        var messages = _posts.Select(post => JsonDocument.Parse(post.Body).RootElement).ToList();
        Assert.Equal(["alert.raised", "alert.resolved"], messages.Select(message => message.GetProperty("type").GetString()!));
        Assert.StartsWith(
            "[ticket] circuit_open ebay_search: Provider ebay_search fails: its circuit opened",
            messages[0].GetProperty("text").GetString(), StringComparison.Ordinal);
        var data = messages[0].GetProperty("data");
        Assert.Equal(
            ("circuit_open:ebay_search", "docs/alerts.md#circuit_open", "./sendcat snapshot --minutes 5"),
            (data.GetProperty("key").GetString(), data.GetProperty("playbook").GetString(), data.GetProperty("command").GetString()));
        Assert.Equal(data.GetProperty("key").GetString(), messages[1].GetProperty("data").GetProperty("key").GetString());
        Assert.Single(_upstreams.SentryEvents);
    }

    [Fact]
    public async Task A_webhook_that_fails_gets_the_same_message_again()
    {
        _webhookStatus = 500;
        _facts = Facts.Healthy.With(new CircuitFact("ebay_search", "open", 4, "503", null));
        await RoundAsync();
        _webhookStatus = 204;
        await RoundAsync();
        await RoundAsync();

        Assert.Equal(2, _posts.Count);
        Assert.Equal(_posts[0].Id, _posts[1].Id);
        Assert.Equal(_posts[0].Body, _posts[1].Body);
    }

    [Fact]
    public async Task A_receiver_that_does_not_respond_delays_no_round_and_gets_each_message_later()
    {
        var slow = new SlowChannel(_time);
        var watcher = new AlertWatcher(
            _monitor.Services.GetRequiredService<AlertFactsReader>(), _monitor.Services.GetRequiredService<AlertLedger>(), [slow], _time,
            NullLogger<AlertWatcher>.Instance);
        _facts = Facts.Healthy;
        for (var provider = 0; provider < 9; provider++)
        {
            _facts = _facts.With(new CircuitFact($"provider_{provider}", "open", 4, "503", null));
        }

        var began = _time.GetUtcNow();
        Assert.True(await watcher.JudgeOnceAsync(Stop));
        Assert.InRange(_time.GetUtcNow() - began, TimeSpan.FromSeconds(10), AlertWatcher.Interval);

        slow.Responds = true;
        for (var round = 0; round < 3; round++)
        {
            _time.Advance(AlertWatcher.Interval);
            Assert.True(await watcher.JudgeOnceAsync(Stop));
        }

        Assert.Equal(9, slow.Received.Count);
        Assert.Equal(9, slow.Received.Distinct().Count());
    }

    [Fact]
    public async Task A_wrong_key_and_a_silent_API_are_reported()
    {
        var address = _api.Address;
        _facts = Facts.Healthy with { Snapshot = null };
        await RoundAsync();
        await RoundAsync();
        await _api.DisposeAsync();
        await RoundAsync();
        await RoundAsync();

        Assert.Equal(
            [
                "monitor_blind: The Monitor cannot judge: GET /api/ops/snapshot: status 401.",
                $"api_down: The API at {address} does not respond: no connection.",
            ],
            (await KnownAsync()).Select(alert => $"{alert.Kind}: {alert.Cause}"));
    }

    private static void Page(WebApplication app, string name, Func<object?> read) => app.MapGet(
        $"/api/ops/{name}",
        (HttpRequest request) =>
            read() is { } page && request.Headers.Authorization == $"Bearer {Key}" ? Results.Json(page) : Results.StatusCode(401));

    /// <summary>Takes five seconds for a message while it does not respond.</summary>
    private sealed class SlowChannel(FakeTimeProvider time) : IAlertChannel
    {
        public bool Responds { get; set; }

        public List<Guid> Received { get; } = [];

        public string Name => "slow";

        public bool Takes(string kind, AlertEvent happened) => kind == "circuit_open" && happened is AlertEvent.Raised;

        public Task<string?> SendAsync(AlertNotice notice, CancellationToken cancellationToken)
        {
            if (Responds)
            {
                Received.Add(notice.MessageId);
                return Task.FromResult<string?>(null);
            }

            time.Advance(TimeSpan.FromSeconds(5));
            return Task.FromResult<string?>("no response in time");
        }
    }

    private IResult Receive(HttpRequest request, string body)
    {
        new StandardWebhook(Secret).Verify(body, request.Headers);
        _posts.Add((request.Headers["webhook-id"].ToString(), body));
        return Results.StatusCode(_webhookStatus);
    }

    private async Task RoundAsync()
    {
        Assert.True(await Watcher.JudgeOnceAsync(Stop));
        _time.Advance(AlertWatcher.Interval);
    }

    private async Task<IReadOnlyList<Alert>> KnownAsync()
    {
        var store = await _monitor.Services.GetRequiredService<AlertLedger>().OpenAsync(Stop);
        return await store!.KnownAsync(_time.GetUtcNow(), Stop);
    }
}

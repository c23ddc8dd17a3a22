using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Deque.AxeCore.Playwright;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Npgsql;
using Sendcat.IntegrationTests.Chat;
using Sendcat.IntegrationTests.ChatTools;
using Sendcat.Monitor.Alerts;
using Sendcat.Monitor.Watch;
using Sendcat.Monitor.WebConsole;
using Sendcat.Reliability.Slo;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.WebConsole;

/// <summary>
/// A system with load and faults, a Monitor in front of it, and Chromium. Every page that a test opens is closed with the browser. The
/// tests are skipped without Chromium. With <c>SENDCAT_SCREENSHOTS</c>, a folder, they leave pictures there.
/// </summary>
public sealed class ConsoleFixture(SharedStores stores) : IAsyncLifetime
{
    /// <summary>The trace of a turn whose first route failed, and that searched twice.</summary>
    public const string Trace = "7c1f0d5ea3b94c6f8d2e4b6a90135724";

    /// <summary>The refusals of one caller just before the tests.</summary>
    public const int Refusals = 27;

    private const string ViewerKey = "viewer-key-for-console-tests";

    private static readonly string[] Browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private readonly List<IAsyncDisposable> _load = [];
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    internal SendcatSystem System { get; private set; } = null!;

    internal WebApplication Monitor { get; private set; } = null!;

    /// <summary>The key of Ann, an operator.</summary>
    public string Ann { get; private set; } = "";

    /// <summary>Errors of scripts and of the content policy on any page.</summary>
    public List<string> Errors { get; } = [];

    public static string Viewer => ViewerKey;

    /// <summary>The end of <see cref="HistoryAsync"/>.</summary>
    public DateTimeOffset HistoryEnd { get; private set; }

    public async ValueTask InitializeAsync()
    {
        if (Array.Find(Browsers, File.Exists) is not { } browser)
        {
            return;
        }

        System = await SendcatSystem.StartWithToolsAsync(
            stores, replicas: 1, workers: 1, ("OPS_VIEWER_KEY", ViewerKey), ("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "1000"),
            ("CIRCUIT_OPENROUTER_PRIMARY_COOLDOWN_MS", "600000"), ("CIRCUIT_OPENROUTER_SECONDARY_COOLDOWN_MS", "600000"));
        Monitor = WatchProgram.Build(
            [
                "--urls=http://127.0.0.1:0", $"--SENDCAT_API_URL={System.Api.Address}", $"--OPS_VIEWER_KEY={ViewerKey}",
                $"--ConnectionStrings:sendcatdb={System.Database}", "--Logging:LogLevel:Default=None",
            ],
            builder => builder.AddAlerts().AddWebConsole(),
            app => app.MapWebConsole());
        await Monitor.StartAsync();
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = browser,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
            ],
        });
        Ann = await MakeKeyAsync("ann", "operator");
        await LoadAsync();
    }

    /// <summary>The console in a browser of its own, before sign-in.</summary>
    public async Task<IPage> OpenAsync(int width = 1440, int height = 1000, bool dark = false)
    {
        if (_browser is null)
        {
            Assert.Skip("Chromium is not installed");
        }

        var context = await _browser.NewContextAsync(new()
        {
            BaseURL = Monitor.Urls.First(), ViewportSize = new() { Width = width, Height = height },
            ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light, ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(30_000);
        var page = await context.NewPageAsync();
        page.PageError += (_, error) => Errors.Add(error);
        page.Console += (_, message) =>
        {
            // A refusal of the Monitor is no error of the page.
            if (message.Type == "error" && !message.Text.Contains("Failed to load resource", StringComparison.Ordinal))
            {
                Errors.Add(message.Text);
            }
        };
        await page.GotoAsync("/");
        return page;
    }

    /// <summary>The console after sign-in, with live data.</summary>
    public async Task<IPage> OpenAsync(string key, int width = 1440, int height = 1000, bool dark = false)
    {
        var page = await OpenAsync(width, height, dark);
        await page.GetByLabel("Your operator or viewer key").FillAsync(key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.Locator("[data-panel=verdict] .figures").WaitForAsync();
        return page;
    }

    /// <summary>Findings of axe-core, one line each.</summary>
    public static async Task<IEnumerable<string>> FindingsAsync(IPage page) =>
        (await page.RunAxe()).Violations
            .SelectMany(violation => violation.Nodes.Select(node => $"{violation.Id}: {node.Html} {violation.Help}")).ToList();

    public static async Task PictureAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("SENDCAT_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}.png"), FullPage = true });
        }
    }

    /// <summary>A request to the operator API with the operator's key.</summary>
    public async Task<JsonElement> ApiAsync(HttpMethod method, string path, object? body = null)
    {
        using var http = new HttpClient { BaseAddress = System.Api.Address };
        using var request = new HttpRequestMessage(method, $"/api/ops/{path}") { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", SendcatSystem.OpsKey);
        request.Headers.Add("x-sendcat-reason", "a test");
        using var response = await http.SendAsync(request);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    public async Task<string> MakeKeyAsync(string name, string role) =>
        (await ApiAsync(HttpMethod.Post, "keys", new { name, role })).GetProperty("key").GetString()!;

    /// <summary>Turns that fail because of the model provider. After five of them its circuit is open.</summary>
    public async Task FailTurnsAsync(int turns = 6)
    {
        System.Model.Direct("[[emu status=503]]");
        for (var turn = 0; turn < turns; turn++)
        {
            await System.TurnAsync("hello", webSearch: false);
        }

        System.Model.ClearDirections();
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
        foreach (var each in Enumerable.Reverse(_load))
        {
            await each.DisposeAsync();
        }

        if (System is not null)
        {
            await Monitor.DisposeAsync();
            await System.DisposeAsync();
        }
    }

    private async Task LoadAsync()
    {
        await using var database = NpgsqlDataSource.Create(System.Database);
        await DeadAsync(database, "search_web", "electric kettle", 37);
        await DeadAsync(database, "search_web", "running shoes", 12);
        await HistoryAsync(database);
        await DeliveriesAsync(database);
        await DeploymentAsync(database);
        await FailOverAsync();

        // Turns with tools, turns that run all the time, and one caller who is refused.
        await System.TurnAsync(ToolPrompts.CallTool("search_web", "console kettle"));
        for (var caller = 0; caller < 3; caller++)
        {
            var guest = await System.GuestAsync();
            var stream = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=100000 every=200ms]]"));
            await stream.ReadUntilAsync("content");
            _load.Add(stream);
            if (caller == 0)
            {
                for (var request = 0; request < Refusals; request++)
                {
                    await using var refused = await guest.ChatAsync(await guest.NewThreadAsync("hello"));
                }
            }
        }

        await FailTurnsAsync();
        var watcher = Monitor.Services.GetRequiredService<AlertWatcher>();
        await Eventually.TrueAsync(async () =>
        {
            await watcher.JudgeOnceAsync(CancellationToken.None);
            var kinds = (await ApiAsync(HttpMethod.Get, "alerts?open=true")).GetProperty("items").EnumerateArray()
                .Select(alert => alert.GetProperty("kind").GetString()).ToList();
            return kinds.Contains("circuit_open") && kinds.Contains("rate_limit_blocked");
        });
    }

    private static async Task DeadAsync(NpgsqlDataSource database, string tool, string query, int count)
    {
        await using var command = database.CreateCommand(
            """
            INSERT INTO reliability.tool_jobs (id, tool, qos_class, principal, args, status, attempts, max_attempts, available_at, fair_at,
                announced_at, created_at, updated_at, completed_at, expires_at, dead_letter_at, dead_letter_reason, last_error,
                error_fingerprint, replay_count)
            SELECT gen_random_uuid(), $1, 'realtime', 'session:' || n % 5, jsonb_build_object('query', $2 || ' ' || n)::text, 'dead_letter',
                3, 3, now(), now(), now(), now(), now(), now(), now() + interval '7 days', now() - n * interval '1 minute',
                'attempts_exhausted', 'HTTP 503 from the search provider', 'a1b2c3d4e5f6', n % 2 * 3
            FROM generate_series(1, $3) AS n
            """);
        command.Parameters.Add(new() { Value = tool });
        command.Parameters.Add(new() { Value = query });
        command.Parameters.Add(new() { Value = count });
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Three deliveries, one of which arrived three times.</summary>
    private static async Task DeliveriesAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand(
            """
            INSERT INTO reliability.webhook_inbox (scope, key, delivery_id, hit_count, first_seen_at, last_seen_at, expires_at)
            SELECT 'whatsapp_message', 'console' || n, gen_random_uuid(), CASE n WHEN 1 THEN 3 ELSE 1 END, now(), now(),
              now() + interval '1 day'
            FROM generate_series(1, 3) AS n
            """);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A new version within the hour of traffic.</summary>
    private static async Task DeploymentAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand(
            """
            INSERT INTO reliability.incident_marks (at, kind, subject, title, detail, key)
            VALUES (now() - interval '12 minutes', 'deployment', 'api', 'api 9.9.9', '9.9.9', 'console deployment')
            """);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A turn whose model calls fail on the first route and succeed on the second one, with two tool jobs.</summary>
    private async Task FailOverAsync()
    {
        using var guest = await System.GuestAsync();
        guest.Http.DefaultRequestHeaders.Add("traceparent", $"00-{Trace}-00f067aa0ba902b7-01");
        var thread = await guest.NewThreadAsync(
            """
            [[emu model=openai/gpt-5 status=503]]
            [[emu call=1 tool=search_web args={"query":"console lamp"} tool=search_web args={"query":"console chair"}]]
            [[emu call=2 text="Done."]]
            """);
        await using var stream = await guest.ChatAsync(thread, webSearch: true);
        await stream.ReadToEndAsync();
    }

    /// <summary>An hour of traffic that gets worse, with a gap.</summary>
    private async Task HistoryAsync(NpgsqlDataSource database)
    {
        HistoryEnd = SliWindows.MinuteOf(TimeProvider.System.GetUtcNow());
        var minutes = Enumerable.Range(1, 58).Where(age => age is not (31 or 32)).Select(age =>
        {
            var minute = new SliMinute(HistoryEnd.AddMinutes(-age), "/api/chat");
            var bad = age < 12 ? 12 - age : 0;
            for (var turn = 0; turn < 40 + (age * 7 % 13); turn++)
            {
                var firstToken = TimeSpan.FromMilliseconds(300 + (bad * 90) + (turn * 17 % 200));
                var completion = TimeSpan.FromMilliseconds(3_000 + (bad * 500));
                minute.Add(turn < bad
                    ? new(SliOutcome.Failed, "upstream_error")
                    : new(SliOutcome.Served, FirstToken: firstToken, Completion: completion));
            }

            return minute;
        });
        await new SliStore(database).WriteAsync(Guid.NewGuid(), [.. minutes], CancellationToken.None);
    }
}

[CollectionDefinition(nameof(ConsoleCollection))]
public sealed class ConsoleCollection : ICollectionFixture<ConsoleFixture>;

using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Sendcat.ContractTests.Identity;
using Sendcat.ContractTests.Mail;
using Sendcat.Integrations.Work;
using Sendcat.ToolWorker.Jobs;
using Sendcat.ToolWorker.MailSync;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.Gmail;

/// <summary>The API with the worker's lane that reads mailboxes, and the emulated Google.</summary>
internal sealed class GmailApi : IAsyncDisposable
{
    public const string Audience = "https://api.sendcat.example/api/gmail/push";
    public const string VerifyToken = "a verify token of the tests";
    public const string Key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    /// <summary>Whether a sync waits for longer than a minute.</summary>
    public const string SomeSyncWaits = """
        SELECT EXISTS (SELECT FROM reliability.tool_jobs WHERE tool = 'mail_sync' AND status = 'queued'
            AND available_at > now() + INTERVAL '1 minute')
        """;

    private const string ServiceAccount = "gmail-push@emulator.iam.gserviceaccount.com";

    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(3);

    private GmailApi(SendcatApi api, UpstreamEmulatorHost google) => (Api, Google) = (api, google);

    public SendcatApi Api { get; }

    public UpstreamEmulatorHost Google { get; }

    /// <summary>All that the API and the lane have logged.</summary>
    public FakeLogCollector Logs { get; private init; } = null!;

    public static Task<GmailApi> StartAsync(PostgresFixture postgres, params (string Name, string Value)[] knobs) =>
        StartAsync(postgres, TimeProvider.System, knobs);

    /// <param name="postgres">The server of the database.</param>
    /// <param name="clock">The clock of the API and of the lane; the emulated Google has its own.</param>
    /// <param name="knobs">What differs from the settings below.</param>
    public static async Task<GmailApi> StartAsync(PostgresFixture postgres, TimeProvider clock, params (string Name, string Value)[] knobs)
    {
        var google = await UpstreamEmulatorHost.StartAsync();
        var settings = new Dictionary<string, string>
        {
            ["GOOGLE_OAUTH_BASE_URL"] = google.Google.ToString(),
            ["GOOGLE_JWKS_URL"] = google.GoogleKeys.ToString(),
            ["GMAIL_OAUTH_CLIENT_ID"] = "client",
            ["GMAIL_OAUTH_CLIENT_SECRET"] = "secret",
            ["GMAIL_BASE_URL"] = google.Gmail.ToString(),
            ["GMAIL_PUBSUB_TOPIC"] = "projects/emulator/topics/gmail",
            ["GMAIL_PUSHAUTH_MODE"] = "either",
            ["GMAIL_PUSH_AUDIENCE"] = Audience,
            ["GMAIL_PUSH_SERVICE_ACCOUNT"] = ServiceAccount,
            ["GMAIL_PUBSUB_VERIFY_TOKEN"] = VerifyToken,
            ["ENCRYPTION_KEY"] = Key,
            ["API_PUBLIC_URL"] = "https://api.sendcat.example",
            ["ALLOWED_ORIGINS"] = $"https://app.sendcat.example,{Browser.Origin}",
            ["AUTH_CONFIRMED_DOMAINS"] = "example.com",
            ["OPENROUTER_BASE_URL"] = google.OpenRouter.ToString(),
            ["OPENROUTER_API_KEY"] = "test",
            ["GMAIL_MESSAGE_RETRY_BASE_MS"] = "100",
            ["MAIL_SYNC_RETRY_BASE_MS"] = "100",
            ["RATE_LIMIT_GMAIL_OAUTH_MAX"] = "1000",
            ["RATE_LIMIT_GMAIL_PUSH_MAX"] = "5000",
            // Tests of faults share the circuits.
            ["CIRCUIT_GMAIL_OAUTH_THRESHOLD"] = "100",
            ["CIRCUIT_GMAIL_THRESHOLD"] = "100",
        };
        foreach (var (name, value) in knobs)
        {
            settings[name] = value;
        }

        var logs = new FakeLogCollector();
        var api = await SendcatApi.StartAsync(postgres, settings, services => services
            .AddSingleton(clock)
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Information).AddProvider(new FakeLoggerProvider(logs)))
            .AddMailSync()
            .AddSingleton<HeldJobs>()
            .AddHostedService(provider => provider.GetRequiredService<HeldJobs>())
            .AddSingleton<JobRuns>()
            .AddHostedService(provider => ActivatorUtilities.CreateInstance<WorkRunner>(provider, QueuedWork.MailSync.Lane)));
        google.PushTo(new Uri(api.Anyone.BaseAddress!, "/api/gmail/push").ToString(), Audience);
        return new(api, google) { Logs = logs };
    }

    /// <summary>A new user with a mailbox of the same name, which is not connected.</summary>
    public async Task<MailUser> UserAsync()
    {
        var address = $"{Guid.NewGuid():N}@example.com";
        return new(this, address, (await Api.UserAsync(address)).Client);
    }

    /// <summary>A new user with a connected mailbox, whose first sync has ended.</summary>
    public async Task<MailUser> ConnectedAsync()
    {
        var user = await UserAsync();
        Assert.Equal("connected", await user.ConnectAsync());
        await user.SettleAsync();
        return user;
    }

    /// <summary>Posts a notification.</summary>
    public async Task<HttpResponseMessage> PushAsync(string body, string? bearer, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/gmail/push")
        {
            Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        };
        if (bearer is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {bearer}");
        }

        change?.Invoke(request);
        return await Api.Anyone.SendAsync(request);
    }

    /// <summary>Waits until the query returns true, at most three minutes. For a state of jobs, which no signal reports.</summary>
    public async Task UntilAsync(string query)
    {
        using var timeout = new CancellationTokenSource(MaxWait);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await Api.ScalarAsync<bool>(query))
        {
            await poll.WaitForNextTickAsync(timeout.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Google.DisposeAsync();
    }
}

/// <summary>A user, the browser of the user, and the mailbox.</summary>
internal sealed class MailUser(GmailApi gmail, string address, HttpClient client)
{
    private readonly Dictionary<string, string> _cookies = new(StringComparer.Ordinal);

    public string Address => address;

    public HttpClient Client => client;

    /// <summary>Asks for the page of Google, in this browser.</summary>
    public async Task<Uri> StartAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/gmail/connect");
        request.Headers.Authorization = client.DefaultRequestHeaders.Authorization;
        using var response = await gmail.Api.Navigator.SendAsync(request);
        Keep(response);
        return new((string)(await response.JsonAsync())["url"]!);
    }

    /// <summary>Agrees on the page of Google.</summary>
    /// <param name="page">The address of the page.</param>
    /// <param name="account">The address of the mailbox, and markers; null: that of the user.</param>
    /// <returns>The path of the callback.</returns>
    public async Task<string> AgreeAsync(Uri page, string? account = null)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var response = await http.GetAsync(QueryHelpers.AddQueryString(page.ToString(), "account", account ?? address));
        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        return response.Headers.Location!.PathAndQuery;
    }

    /// <summary>Visits the callback with the cookies of this browser.</summary>
    /// <returns>The result that the settings of the web app get.</returns>
    public async Task<string> ReturnAsync(string callback)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, callback);
        if (_cookies.Count > 0)
        {
            request.Headers.Add("Cookie", string.Join("; ", _cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        }

        using var response = await gmail.Api.Navigator.SendAsync(request);
        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        var location = response.Headers.Location!.ToString();
        const string Page = "https://app.sendcat.example/settings?tab=connections&gmail=";
        Assert.StartsWith(Page, location, StringComparison.Ordinal);
        return location[Page.Length..];
    }

    /// <summary>All steps.</summary>
    public async Task<string> ConnectAsync(string? account = null) => await ReturnAsync(await AgreeAsync(await StartAsync(), account));

    public async Task<JsonNode?> StatusAsync() => await (await client.GetAsync("/api/gmail/status")).JsonAsync();

    /// <summary>Pushes the present state of the mailbox, as Google does.</summary>
    /// <param name="messageId">The id of the notification.</param>
    public async Task<HttpResponseMessage> PushAsync(string messageId = "1") =>
        await gmail.PushAsync(gmail.Google.PushEnvelope(address, gmail.Google.HistoryId(address), messageId), gmail.Google.PushToken());

    /// <summary>Waits until no sync of the mailbox is queued or running.</summary>
    public Task SettleAsync() => gmail.UntilAsync(
        $"""
        SELECT NOT EXISTS (SELECT FROM reliability.tool_jobs j JOIN gmail_connections c ON c.normalized_email = '{address}'
            AND j.principal IN ('gmail:' || c.id, 'gmail-push:' || c.id)
            WHERE j.status IN ('queued', 'running'))
        """);

    /// <summary>The states of the messages of the mailbox, with their number.</summary>
    public Task<string> MessagesAsync() => gmail.Api.ScalarAsync<string>(
        $"""
        SELECT coalesce(string_agg(state || ' ' || n, ', ' ORDER BY state), '') FROM (
            SELECT m.state, count(*) AS n FROM gmail_messages m JOIN gmail_connections c ON c.id = m.connection_id
                WHERE c.normalized_email = '{address}' GROUP BY m.state) states
        """);

    /// <summary>The number of evidence of the user.</summary>
    public Task<long> EvidenceAsync() =>
        gmail.Api.ScalarAsync<long>($"SELECT count(*) FROM evidence e JOIN users u ON u.id = e.user_id WHERE u.email = '{address}'");

    /// <summary>The number of drafts of the user.</summary>
    public Task<long> DraftsAsync() =>
        gmail.Api.ScalarAsync<long>($"SELECT count(*) FROM purchase_drafts d JOIN users u ON u.id = d.user_id WHERE u.email = '{address}'");

    private void Keep(HttpResponseMessage response)
    {
        foreach (var set in response.Headers.TryGetValues("Set-Cookie", out var values) ? values : [])
        {
            var pair = set.Split(';')[0].Split('=', 2);
            _cookies[pair[0]] = pair[1];
        }
    }
}

public sealed class GmailApiFixture(PostgresFixture postgres) : IAsyncLifetime
{
    internal GmailApi Gmail { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Gmail = await GmailApi.StartAsync(postgres);

    public ValueTask DisposeAsync() => Gmail.DisposeAsync();
}

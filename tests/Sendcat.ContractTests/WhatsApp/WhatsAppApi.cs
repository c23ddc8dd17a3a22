using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Sendcat.ContractTests.Mail;
using Sendcat.Integrations.Work;
using Sendcat.ToolWorker.Jobs;
using Sendcat.ToolWorker.Messages;
using Sendcat.UpstreamEmulator;
using Sendcat.UpstreamEmulator.WhatsApp;

namespace Sendcat.ContractTests.WhatsApp;

/// <summary>The API with the worker's lane of messages, and the emulated Graph API and models.</summary>
internal sealed class WhatsAppApi : IAsyncDisposable
{
    public const string Secret = "the app secret of the tests";
    public const string VerifyToken = "a token that Meta repeats";
    private const string Webhook = "/api/whatsapp/webhook";
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    private static int _numbers;

    private WhatsAppApi(SendcatApi api, UpstreamEmulatorHost emulator) => (Api, Emulator) = (api, emulator);

    public SendcatApi Api { get; }

    public UpstreamEmulatorHost Emulator { get; }

    /// <summary>All that the API and the lane have logged.</summary>
    public FakeLogCollector Logs { get; private init; } = null!;

    public static async Task<WhatsAppApi> StartAsync(PostgresFixture postgres, params (string Name, string Value)[] settings)
    {
        var emulator = await UpstreamEmulatorHost.StartAsync();
        var all = new Dictionary<string, string>
        {
            ["WHATSAPP_APP_SECRET"] = Secret,
            ["WHATSAPP_VERIFY_TOKEN"] = VerifyToken,
            ["WHATSAPP_ACCESS_TOKEN"] = "token",
            ["WHATSAPP_PHONE_NUMBER_ID"] = WhatsAppSample.DefaultPhoneNumberId,
            ["WHATSAPP_NUMBER"] = "+1 876 555 0100",
            ["WHATSAPP_GRAPH_BASE_URL"] = emulator.Graph.ToString(),
            ["OPENROUTER_BASE_URL"] = emulator.OpenRouter.ToString(),
            ["OPENROUTER_API_KEY"] = "key",
            ["OPS_API_KEY"] = SendcatApi.OpsKey,
            ["MESSAGE_RETRY_BASE_MS"] = "100",
            ["MESSAGE_MAX_ATTEMPTS"] = "3",
            ["WHATSAPP_MEDIA_MAX_BYTES"] = "65536",
            ["AUTH_CONFIRMED_DOMAINS"] = "example.com",
        };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        var logs = new FakeLogCollector();
        var api = await SendcatApi.StartAsync(postgres, all, services => services
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Information).AddProvider(new FakeLoggerProvider(logs)))
            .AddMessages()
            .AddSingleton<HeldJobs>()
            .AddHostedService(provider => provider.GetRequiredService<HeldJobs>())
            .AddSingleton<JobRuns>()
            .AddHostedService(provider => ActivatorUtilities.CreateInstance<WorkRunner>(provider, QueuedWork.Messages.Lane)));
        return new(api, emulator) { Logs = logs };
    }

    /// <summary>Posts a body with its right signature.</summary>
    public Task<HttpResponseMessage> PostAsync(byte[] body) => PostAsync(body, SignatureOf(body));

    public async Task<HttpResponseMessage> PostAsync(byte[] body, string? signature)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Webhook) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        if (signature is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Hub-Signature-256", signature);
        }

        return await Api.Anyone.SendAsync(request);
    }

    public static string SignatureOf(byte[] body) =>
        $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), body))}";

    /// <summary>Delivers a message as Meta does.</summary>
    /// <returns>The id of the message.</returns>
    public async Task<string> DeliverAsync(WhatsAppSample sample)
    {
        var (body, id) = Emulator.WhatsApp.Compose(sample);
        (await PostAsync(body)).EnsureSuccessStatusCode();
        return id;
    }

    /// <summary>A delivery whose message was sent at another time.</summary>
    public static byte[] SentAt(byte[] delivery, DateTimeOffset at)
    {
        const string Name = "\"timestamp\":\"";
        var body = Encoding.UTF8.GetString(delivery);
        var start = body.IndexOf(Name, StringComparison.Ordinal) + Name.Length;
        return Encoding.UTF8.GetBytes($"{body[..start]}{at.ToUnixTimeSeconds()}{body[body.IndexOf('"', start)..]}");
    }

    /// <summary>A number that no other test uses.</summary>
    public static string NewPhone() => $"1876{Interlocked.Increment(ref _numbers):D7}";

    /// <summary>The replies to this number or id, the newest first, when everything that was delivered is processed.</summary>
    public async Task<IReadOnlyList<string>> RepliesAsync(string to)
    {
        await SettleAsync();
        return [.. Emulator.SentMessages.Where(message => message.To == to).Select(message => message.Text)];
    }

    /// <summary>A new user whose account is linked with this sender.</summary>
    public async Task<HttpClient> LinkedUserAsync(string phone, string? userId = null)
    {
        var (user, _) = await Api.UserAsync($"{phone}@example.com");
        await LinkAsync(user, phone, userId);
        return user;
    }

    /// <summary>Sends a code of the user from this sender.</summary>
    /// <returns>The reply.</returns>
    public async Task<string> LinkAsync(HttpClient user, string phone, string? userId = null)
    {
        var code = (string)(await (await user.PostAsync("/api/whatsapp/linking-code", null)).JsonAsync())["linkingCode"]!;
        await DeliverAsync(new("text", code) { From = phone, UserId = userId });
        return (await RepliesAsync(phone))[0];
    }

    /// <summary>The evidence of the user of <see cref="LinkedUserAsync"/>: its states.</summary>
    public Task<string> EvidenceAsync(string phone) => ScalarAsync<string>(
        phone, "SELECT coalesce(string_agg(status, ',' ORDER BY received_at), '') FROM evidence WHERE user_id = ");

    /// <summary>A value of the user of <see cref="LinkedUserAsync"/>.</summary>
    /// <param name="sql">A query that ends before the id of the user.</param>
    public Task<T> ScalarAsync<T>(string phone, string sql) =>
        Api.ScalarAsync<T>($"{sql}(SELECT id FROM users WHERE email = '{phone}@example.com')");

    /// <summary>Waits until no message is queued or running, at most 60 s.</summary>
    public Task SettleAsync() => UntilAsync(
        "SELECT NOT EXISTS (SELECT FROM reliability.tool_jobs WHERE tool = 'messages' AND status IN ('queued', 'running'))");

    /// <summary>Waits until the query returns true, at most 60 s. For a state of jobs, which no signal reports.</summary>
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
        await Emulator.DisposeAsync();
    }
}

/// <summary>One API for the tests of a collection, which run one after another. Each test has numbers and users of its own.</summary>
public sealed class WhatsAppFixture(PostgresFixture postgres) : IAsyncLifetime
{
    internal WhatsAppApi Api { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Api = await WhatsAppApi.StartAsync(postgres);

    public ValueTask DisposeAsync() => Api.DisposeAsync();
}

[CollectionDefinition(Name)]
public sealed class WhatsAppCollection : ICollectionFixture<WhatsAppFixture>
{
    public const string Name = "WhatsApp";
}

using System.Net.Http.Json;
using Sendcat.IntegrationTests.Chat;
using Sendcat.IntegrationTests.ChatTools;
using Sendcat.IntegrationTests.Tracing;
using Sendcat.TestKit.Stores;
using Sendcat.UpstreamEmulator.Resend;

namespace Sendcat.IntegrationTests.Mail;

/// <summary>A mail leaves once, whatever process dies and whichever store is away. A test that stops a server has its own.</summary>
public sealed class DeliveryFaultTests(SharedStores stores)
{
    [Fact]
    public async Task A_registration_needs_neither_Redis_nor_the_broker_and_its_mail_survives_the_death_of_the_api()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var broker = await RabbitMqServer.StartAsync();
        var database = await MigratedDatabase.CreateAsync(await stores.PostgresAsync());
        await using var sendcat = await SendcatSystem.StartProcessesAsync(
            redis.CreateDatabase(), database, 1, ("ConnectionStrings__messaging", broker.ConnectionString),
            ("REDIS_DECISION_TIMEOUT_MS", "100"));
        await sendcat.AddWorkerAsync();
        await redis.KillAsync();
        await broker.KillAsync();

        await RegisterAsync(sendcat, "ann@example.com");
        await sendcat.Api.Process.KillAsync();
        await Task.WhenAll(redis.StartAgainAsync(), broker.StartAgainAsync());

        Assert.Equal("Welcome to Sendcat", (await NextMailAsync(sendcat)).Subject);
        await SettledAsync(sendcat);
        Assert.Single(sendcat.Model.Mails);
    }

    [Fact]
    public async Task A_worker_that_is_killed_after_sending_leaves_a_mail_that_is_not_sent_again()
    {
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(
            stores, replicas: 1, workers: 1, ("TOOL_JOB_LEASE_MS", "5000"), ("DELIVERY_RETRY_BASE_MS", "100"));
        sendcat.Model.DirectRest("[[emu at=resend hang=before-headers times=1]]");

        await RegisterAsync(sendcat, "ann@example.com");
        var mail = await NextMailAsync(sendcat);
        await sendcat.Workers[0].Process.KillAsync();
        await sendcat.AddWorkerAsync();
        await SettledAsync(sendcat);

        Assert.Equal([mail], sendcat.Model.Mails);
        Assert.Equal("completed", await sendcat.QueryScalarAsync<string>("select status from reliability.tool_jobs"));
        Assert.True(sendcat.Model.Stats.Snapshot().Of("resend", "emails").Started > 1);
    }

    [Fact]
    public async Task A_mail_is_in_the_trace_of_its_cause_and_no_log_or_span_contains_its_link_or_address()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(stores, replicas: 1, workers: 1, [.. receiver.Knobs]);

        await RegisterAsync(sendcat, "secret-recipient@example.com");
        var mail = await NextMailAsync(sendcat);
        await SettledAsync(sendcat);
        var spans = await receiver.WaitForAsync(seen =>
            seen.Any(span => span.Name == "run deliveries") && seen.Any(span => span.Name == "publish deliveries")
                && seen.Any(span => span.Name == "POST /api/auth/register"));

        var signature = Uri.UnescapeDataString(mail.Text!.Split("token=")[1].Split('\n')[0]).Split('.')[2];
        string[] secrets = [signature, "secret-recipient"];
        Assert.Equal(
            spans.Single(span => span.Name == "POST /api/auth/register").Trace,
            spans.Single(span => span.Name == "run deliveries").Trace);
        Assert.DoesNotContain(spans, span => secrets.Any(secret => span.Name.Contains(secret, StringComparison.OrdinalIgnoreCase)
            || span.Tags.Values.Any(value => value.Contains(secret, StringComparison.OrdinalIgnoreCase))));
        foreach (var output in new[] { sendcat.Api.Process.Output, sendcat.Workers[0].Process.Output })
        {
            Assert.All(secrets, secret => Assert.DoesNotContain(secret, output, StringComparison.OrdinalIgnoreCase));
        }
    }

    private static async Task RegisterAsync(SendcatSystem sendcat, string email)
    {
        using var http = new HttpClient { BaseAddress = sendcat.Api.Address };
        using var response = await http.PostAsJsonAsync("/api/auth/register", new { email, password = "correct horse 1" });
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    /// <summary>The next mail that Resend accepted, at most 90 s later.</summary>
    private static async Task<ReceivedMail> NextMailAsync(SendcatSystem sendcat)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        return await sendcat.Model.NextMailAsync(timeout.Token);
    }

    private static Task SettledAsync(SendcatSystem sendcat) => Eventually.TrueAsync(
        async () =>
            await sendcat.QueryScalarAsync<long>("select count(*) from reliability.tool_jobs where status in ('queued', 'running')") == 0);
}

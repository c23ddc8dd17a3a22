using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Npgsql;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Turns, refusals and deliveries become minutes of service levels.</summary>
public sealed class ServiceLevelTests(SharedStores stores)
{
    private static readonly string[] Prompts =
        ["[[emu first=1200ms chunks=3]]", "[[emu tool=get_current_time]]time?", "[[emu status=503]]", "[[emu status=400]]"];

    private const string WhatsAppSecret = "a secret of the app";

    [Fact]
    public async Task Every_end_of_a_request_is_counted_once()
    {
        var system = await SendcatSystem.StartAsync(
            stores, replicas: 1, ("WHATSAPP_APP_SECRET", WhatsAppSecret), ("CHAT_DETACH_GRACE_MS", "0"));
        try
        {
            using var guest = await system.GuestAsync();
            foreach (var prompt in Prompts)
            {
                await using var stream = await guest.ChatAsync(await guest.NewThreadAsync(prompt));
                await stream.ReadToEndAsync();
            }

            // Stopped by its user, and a second one that is refused meanwhile.
            var thread = await guest.NewThreadAsync("[[emu chunks=1000 every=100ms]]");
            await using (var stopped = await guest.ChatAsync(thread))
            {
                await stopped.ReadUntilAsync("content");
                await using var refused = await guest.ChatAsync(await guest.NewThreadAsync("hello"));
                Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
                (await guest.AbortLatestAsync(thread)).EnsureSuccessStatusCode();
                await stopped.ReadToEndAsync();
            }

            using var malformed = await guest.PostAsync("/api/chat", "{");
            Assert.Equal(HttpStatusCode.BadRequest, malformed.StatusCode);
            Assert.Equal(HttpStatusCode.OK, await DeliverAsync(guest.Http, WhatsAppSecret));
            Assert.Equal(HttpStatusCode.Forbidden, await DeliverAsync(guest.Http, "another secret"));
        }
        finally
        {
            // A replica that stops writes its running minute.
            await system.DisposeAsync();
        }

        Assert.Equal(
            [
                "/api/chat 2 1 1 2 1 first_token 3 completion 2",
                "/api/gmail/push 0 0 0 0 0 first_token 0 completion 0",
                "/api/whatsapp/webhook 1 0 0 1 0 first_token 0 completion 1",
            ],
            await ListAsync(system, """
                SELECT concat_ws(' ', endpoint, sum(served), sum(failed), sum(shed), sum(rejected), sum(aborted),
                    'first_token', coalesce(sum(first_token[20]), 0), 'completion', coalesce(sum(completion[20]), 0))
                FROM reliability.sli_minutes GROUP BY endpoint ORDER BY endpoint
                """));
        Assert.Equal(
            ["forbidden 1", "invalid_json 1", "upstream_bad_request 1", "upstream_unavailable 1", "user_inflight 1"],
            await ListAsync(system, """
                SELECT key || ' ' || sum(value::integer) FROM reliability.sli_minutes, jsonb_each_text(reasons) GROUP BY key ORDER BY key
                """));
        // One of the three first tokens took more than a second; the two answers and the acknowledgement less than 20 s.
        Assert.Equal(
            ["1 3"],
            await ListAsync(system, """
                SELECT sum(first_token[20] - first_token[5]) || ' ' || sum(completion[16]) FROM reliability.sli_minutes
                """));
    }

    [Fact]
    public async Task Every_replica_gives_the_same_verdict_on_the_turns_of_all()
    {
        await using var system = await SendcatSystem.StartAsync(stores, replicas: 2, ("ADMISSION_USER_MAX_INFLIGHT", "4"));
        using var guest = await system.GuestAsync();
        await using var waiting = await guest.ChatAsync(await guest.NewThreadAsync("[[emu first=60s]]"));
        for (var turn = 0; turn < 3; turn++)
        {
            await using var failed = await guest.ChatAsync(await guest.NewThreadAsync("[[emu status=503]]"));
            await failed.ReadToEndAsync();
        }

        // It takes ten seconds until a turn waits for too long, and two more until a replica reports it.
        await Eventually.TrueAsync(async () => await VerdictAsync(system.Replicas[1]) == "failing provider 3 failed 1 waits");
        Assert.Equal("failing provider 3 failed 1 waits", await VerdictAsync(system.Replicas[0]));
    }

    private static async Task<string> VerdictAsync(Replica replica)
    {
        using var http = new HttpClient { BaseAddress = replica.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", SendcatSystem.OpsKey);
        var health = await http.GetFromJsonAsync<JsonElement>("/api/chat/health");
        var minute = health.GetProperty("lastMinute");
        return $"{health.GetProperty("verdict")} {(health.TryGetProperty("cause", out var cause) ? cause : "")} "
            + $"{minute.GetProperty("failed")} failed {minute.GetProperty("waiting")} waits";
    }

    private static async Task<HttpStatusCode> DeliverAsync(HttpClient client, string secret)
    {
        var body = """{"object":"whatsapp_business_account","entry":[]}"""u8.ToArray();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/whatsapp/webhook") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body);
        request.Headers.Add("X-Hub-Signature-256", "sha256=" + Convert.ToHexStringLower(signature));
        using var response = await client.SendAsync(request);
        return response.StatusCode;
    }

    private static async Task<List<string>> ListAsync(SendcatSystem system, string sql)
    {
        await using var database = NpgsqlDataSource.Create(system.Database);
        await using var command = database.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }
}

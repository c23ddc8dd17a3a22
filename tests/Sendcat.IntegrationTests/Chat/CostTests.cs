using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Sendcat.IntegrationTests.Tracing;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Limits on the cost that a caller can cause. No caller can open or suspend a provider route for other callers.</summary>
public sealed class CostTests(SharedStores stores)
{
    private const string Short = "[[emu chunks=1]]";
    private const string Own = "openai/gpt-4o-mini";

    [Fact]
    public async Task A_model_that_is_not_allowed_is_refused_and_counts_against_no_limit()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 1, ("RATE_LIMIT_CHAT_STREAM_MAX", "1"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(Short);

        foreach (var model in new[] { "openai/o1-pro", Own, "nobody/knows" })
        {
            await using var refused = await guest.ChatAsync(thread, model);
            Assert.Equal("model not allowed", await refused.Response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden"));
            using var created = await guest.Http.PostAsJsonAsync("/api/threads", new { modelId = model });
            Assert.Equal(HttpStatusCode.Forbidden, created.StatusCode);
            using var changed = await guest.Http.PatchAsJsonAsync($"/api/threads/{thread}", new { modelId = model });
            Assert.Equal(HttpStatusCode.Forbidden, changed.StatusCode);
        }

        Assert.Equal(0, Calls(sendcat));
        await using var allowed = await guest.ChatAsync(thread, "openai/gpt-5");
        Assert.Equal("done", (await allowed.ReadToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_thread_with_a_model_no_longer_allowed_uses_the_default_and_a_user_may_use_more_models_than_a_guest()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 1, ("AUTH_CONFIRMED_DOMAINS", "example.com"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(Short);
        await using (var database = NpgsqlDataSource.Create(sendcat.Database))
        await using (var command = database.CreateCommand("update threads set model_id = 'openai/o1-pro'"))
        {
            await command.ExecuteNonQueryAsync();
        }

        await using (var turn = await guest.ChatAsync(thread))
        {
            await turn.ReadToEndAsync();
            Assert.Equal("openai/gpt-5", Bodies(sendcat).Last().GetProperty("model").GetString());
        }

        using var user = await UserAsync(sendcat);
        Assert.Equal("done", await OutcomeAsync(user, Own));
        Assert.Equal("403", await OutcomeAsync(user, "openai/o1-pro"));
        Assert.Equal("403", await OutcomeAsync(user, "nobody/knows"));
        Assert.All(Bodies(sendcat), body => Assert.Equal(4_096, body.GetProperty("max_tokens").GetInt32()));
    }

    [Fact]
    public async Task Failures_of_a_callers_model_and_flagged_input_do_not_open_or_suspend_the_route()
    {
        await using var sendcat = await SendcatSystem.StartAsync(
            stores, replicas: 1, ("AUTH_CONFIRMED_DOMAINS", "example.com"), ("FF_PROVIDER_FAILOVER_ENABLED", "false"),
            ("RATE_LIMIT_CHAT_STREAM_MAX", "1000"), ("CHAT_USER_MODELS", "*,emulator/unauthorized"));
        using var user = await UserAsync(sendcat);
        foreach (var status in new[] { 429, 503, 402, 401 })
        {
            sendcat.Model.Direct($"[[emu model={Own} status={status}]]");
            for (var n = 0; n < 6; n++)
            {
                Assert.Equal("error", await OutcomeAsync(user, Own));
            }

            sendcat.Model.ClearDirections();
        }

        for (var n = 0; n < 6; n++)
        {
            Assert.Equal("error", await OutcomeAsync(user, null, "[[emu status=403]]"));
        }

        Assert.Equal(("closed", null), await PrimaryAsync(sendcat));
        Assert.Equal("done", await OutcomeAsync(user, null));
    }

    [Theory]
    [InlineData(401, "key")]
    [InlineData(402, "quota")]
    public async Task A_rejected_account_suspends_the_provider_on_all_replicas_until_a_probe_succeeds(int status, string reason)
    {
        await using var sendcat = await SendcatSystem.StartAsync(
            stores, replicas: 2, ("CIRCUIT_OPENROUTER_PRIMARY_COOLDOWN_MS", "20000"), ("CIRCUIT_OPENROUTER_SECONDARY_COOLDOWN_MS", "20000"),
            ("RATE_LIMIT_CHAT_STREAM_MAX", "1000"));
        using var guest = await sendcat.GuestAsync();
        using var otherReplica = guest.At(sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync(Short);
        sendcat.Model.Direct($"[[emu status={status}]]");
        for (var n = 0; n < 3; n++)
        {
            await using var failed = await guest.ChatAsync(thread);
            Assert.Equal("error", (await failed.ReadToEndAsync())[^1].GetProperty("type").GetString());
        }

        var calls = Calls(sendcat);
        Assert.Equal(("open", reason), await PrimaryAsync(sendcat));

        // The replicas share the suspension through Redis, and no signal reports that the second one has read it.
        await Eventually.TrueAsync(async () => await PrimaryAsync(sendcat, replica: 1) == ("open", reason));
        foreach (var caller in new[] { guest, otherReplica, guest, otherReplica })
        {
            var startedAt = Stopwatch.GetTimestamp();
            await using var refused = await caller.ChatAsync(thread);
            await refused.Response.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
            Assert.InRange(refused.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 20);
            Assert.InRange(Stopwatch.GetElapsedTime(startedAt), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        }

        Assert.Equal(calls, Calls(sendcat));
        sendcat.Model.ClearDirections();

        // The cooldown runs on the real clock of the replicas.
        await Eventually.TrueAsync(async () =>
        {
            await using var turn = await otherReplica.ChatAsync(thread);
            return turn.Status == HttpStatusCode.OK && (await turn.ReadToEndAsync())[^1].GetProperty("type").GetString() == "done";
        });
        await Eventually.TrueAsync(async () => await PrimaryAsync(sendcat) is ("closed", null));
    }

    [Fact]
    public async Task New_sessions_share_the_token_budget_of_their_address_and_the_retry_delay_is_at_most_a_day()
    {
        await using var sendcat = await SendcatSystem.StartAsync(
            stores, replicas: 1, ("CHAT_ADDRESS_TOKENS_PER_DAY", "5000"), ("TRUSTED_PROXIES", "127.0.0.0/8"));
        await using (var expensive = await FromAsync(sendcat, "203.0.113.7", $"{Short} {new string('x', 40_000)}"))
        {
            Assert.Equal("done", (await expensive.ReadToEndAsync())[^1].GetProperty("type").GetString());
        }

        await using var refused = await FromAsync(sendcat, "203.0.113.7", Short);
        await refused.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.InRange(refused.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 86_400);
        await using var other = await FromAsync(sendcat, "203.0.113.8", Short);
        Assert.Equal(HttpStatusCode.OK, other.Status);
    }

    [Fact]
    public async Task The_reservation_of_an_aborted_refused_or_failed_turn_is_not_spent()
    {
        await using var sendcat = await SendcatSystem.StartAsync(
            stores, replicas: 1, ("BUDGET_USD_PER_PRINCIPAL_PER_DAY", "10"), ("FF_PROVIDER_FAILOVER_ENABLED", "false"));
        using var guest = await sendcat.GuestAsync();
        using var other = await sendcat.GuestAsync();
        await using (var failed = await guest.ChatAsync(await guest.NewThreadAsync("[[emu status=500]]")))
        {
            await failed.ReadToEndAsync();
        }

        await using (var foreign = await guest.ChatAsync(await other.NewThreadAsync(Short)))
        {
            Assert.Equal(HttpStatusCode.Forbidden, foreign.Status);
        }

        var thread = await guest.NewThreadAsync("[[emu hang=before-first]]");
        await using (var aborted = await guest.ChatAsync(thread))
        {
            var start = await aborted.ReadUntilAsync("start");
            using var stopped = await guest.AbortAsync(thread, start.GetProperty("messageId").GetString()!);
            await aborted.ReadToEndAsync();
        }

        Assert.InRange(await SpentAsync(sendcat, "chat_tokens"), 0, 50);
        Assert.InRange(await SpentAsync(sendcat, "chat_money"), 0, 500);
        await using (var paid = await guest.ChatAsync(await guest.NewThreadAsync(Short)))
        {
            await paid.ReadToEndAsync();
        }

        Assert.InRange(await SpentAsync(sendcat, "chat_tokens"), 2, 3_000);
        Assert.InRange(await SpentAsync(sendcat, "chat_money"), 2, 50_000);
    }

    [Fact]
    public async Task No_trace_header_is_sent_to_the_provider()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesAsync(
            stores, replicas: 1, [("SENTRY_DSN", "http://key@127.0.0.1:9/1"), ("SENTRY_TRACES_SAMPLE_RATE", "1"), .. receiver.Knobs]);
        using var guest = await sendcat.GuestAsync();
        guest.Http.DefaultRequestHeaders.Add("baggage", "thread=secret");
        guest.Http.DefaultRequestHeaders.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        guest.Http.DefaultRequestHeaders.Add("tracestate", "a=b");

        await using (var turn = await guest.ChatAsync(await guest.NewThreadAsync(Short)))
        {
            await turn.ReadToEndAsync();
        }

        Assert.NotEqual(0, Calls(sendcat));
        Assert.All(sendcat.Model.Requests, request => Assert.DoesNotContain(
            request.Headers.Keys,
            name => name.ToUpperInvariant() is "TRACEPARENT" or "TRACESTATE" or "BAGGAGE" or "CORRELATION-CONTEXT" or "SENTRY-TRACE"
                or "REQUEST-ID"));
        await receiver.WaitForAsync(spans => spans.Any(span => span.Name.EndsWith("/chat/completions", StringComparison.Ordinal)));
    }

    private static IEnumerable<JsonElement> Bodies(SendcatSystem sendcat) => sendcat.Model.Requests
        .Where(request => request.Path.EndsWith("/chat/completions", StringComparison.Ordinal))
        .Select(request => request.Body);

    private static int Calls(SendcatSystem sendcat) => Bodies(sendcat).Count();

    /// <summary>The circuit of the primary route in one replica: its state and the reason of a suspension.</summary>
    private static async Task<(string? State, string? Suspended)> PrimaryAsync(SendcatSystem sendcat, int replica = 0)
    {
        using var operators = new HttpClient { BaseAddress = sendcat.Replicas[replica].Address };
        operators.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", SendcatSystem.OpsKey);
        var health = await operators.GetFromJsonAsync<JsonElement>("/api/chat/health");
        var circuit = health.GetProperty("circuits").EnumerateArray()
            .Single(it => it.GetProperty("provider").GetString() == "openrouter_chat_primary");
        return (
            circuit.GetProperty("state").GetString(),
            circuit.TryGetProperty("suspended", out var suspended) ? suspended.GetString() : null);
    }

    private static async Task<HttpClient> UserAsync(SendcatSystem sendcat)
    {
        var http = new HttpClient { BaseAddress = sendcat.Api.Address };
        foreach (var step in new[] { "register", "login" })
        {
            using var response = await http.PostAsJsonAsync(
                $"/api/auth/{step}", new { email = "ann@example.com", password = "correct horse 1" });
            response.EnsureSuccessStatusCode();
            if (step == "login")
            {
                var tokens = await response.Content.ReadFromJsonAsync<JsonElement>();
                http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
                    "Bearer", tokens.GetProperty("accessToken").GetString());
            }
        }

        return http;
    }

    /// <summary>Runs a turn in a new thread.</summary>
    /// <returns>The type of the last event, or the HTTP status of the refusal.</returns>
    private static async Task<string> OutcomeAsync(HttpClient user, string? model, string prompt = Short)
    {
        using var thread = await user.PostAsJsonAsync("/api/threads", new { title = "test" });
        var id = (await thread.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString();
        using var message = await user.PostAsJsonAsync($"/api/threads/{id}/messages", new { content = prompt });
        message.EnsureSuccessStatusCode();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
        {
            Content = model is null
                ? JsonContent.Create(new { threadId = id })
                : JsonContent.Create(new { threadId = id, modelId = model }),
        };
        await using var stream = new ChatStream(await user.SendAsync(request, HttpCompletionOption.ResponseHeadersRead));
        return stream.Status == HttpStatusCode.OK
            ? (await stream.ReadToEndAsync())[^1].GetProperty("type").GetString()!
            : $"{(int)stream.Status}";
    }

    /// <summary>Starts a turn of a new guest with this address.</summary>
    private static async Task<ChatStream> FromAsync(SendcatSystem sendcat, string address, string prompt)
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(prompt);
        var http = new HttpClient { BaseAddress = sendcat.Api.Address };
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
        {
            Content = JsonContent.Create(new { threadId = thread, sessionId = guest.SessionId }),
        };
        request.Headers.Add("X-Forwarded-For", address);
        return new ChatStream(await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead));
    }

    /// <summary>The total of all principals in the bucket, in its unit.</summary>
    private static async Task<long> SpentAsync(SendcatSystem sendcat, string bucket)
    {
        var options = ConfigurationOptions.Parse(sendcat.Redis);
        await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        var total = 0L;
        await foreach (var key in redis.GetServers()[0].KeysAsync(options.DefaultDatabase ?? 0, $"limit:{bucket}:*"))
        {
            total += ((string)(await redis.GetDatabase().StringGetAsync(key))!).Split(' ').Skip(1).Sum(long.Parse);
        }

        return total;
    }
}

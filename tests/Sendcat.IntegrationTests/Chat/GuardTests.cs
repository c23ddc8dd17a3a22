using System.Net;
using System.Net.Http.Json;
using System.Text;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Who is told to wait, with which words, and before anything was streamed.</summary>
public sealed class GuardTests(TightSystemFixture fixture) : IClassFixture<TightSystemFixture>
{
    private readonly SendcatSystem sendcat = fixture.System;

    [Fact]
    public async Task A_full_provider_lane_is_503_before_the_stream_and_its_place_comes_back()
    {
        using var first = await sendcat.GuestAsync();
        using var second = await sendcat.GuestAsync();
        var held = await first.AskingAsync("[[emu hang=before-first]]");
        await using var holding = await first.ChatAsync(held);
        var start = await holding.UntilAsync("start");

        await using (var refused = await second.ChatAsync(await second.AskingAsync("hi")))
        {
            await refused.Response.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
            Assert.InRange(refused.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        }

        using var stopped = await first.AbortAsync(held, start.GetProperty("messageId").GetString()!);
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
        await Eventually.TrueAsync(async () =>
        {
            await using var admitted = await second.ChatAsync(await second.AskingAsync("[[emu chunks=1]]"));
            return admitted.Status == HttpStatusCode.OK && (await admitted.ToEndAsync())[^1].GetProperty("type").GetString() == "done";
        });
    }

    [Fact]
    public async Task Turns_of_a_principal_over_the_limit_are_told_how_long_to_wait_and_others_are_not()
    {
        using var guest = await sendcat.GuestAsync();
        using var other = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu chunks=1]]");
        for (var n = 0; n < TightSystemFixture.TurnsOfAPrincipal; n++)
        {
            await using var turn = await guest.ChatAsync(thread);
            Assert.Equal(HttpStatusCode.OK, turn.Status);
            await turn.ToEndAsync();
        }

        await using var refused = await guest.ChatAsync(thread);
        await using var elsewhere = await guest.At(sendcat.Replicas[1]).ChatAsync(thread);
        foreach (var answer in new[] { refused, elsewhere })
        {
            Assert.Contains("seconds", await answer.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited"), StringComparison.Ordinal);
            Assert.InRange(answer.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 600);
        }

        await using var admitted = await other.ChatAsync(await other.AskingAsync("[[emu chunks=1]]"));
        Assert.Equal("done", (await admitted.ToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Fact]
    public async Task Whoever_may_not_see_a_thread_has_used_up_nothing_by_asking()
    {
        using var owner = await sendcat.GuestAsync();
        using var guest = await sendcat.GuestAsync();
        var foreign = await owner.AskingAsync("mine");
        for (var n = 0; n <= TightSystemFixture.TurnsOfAPrincipal; n++)
        {
            await using var refused = await guest.ChatAsync(n == 0 ? "nonsense" : foreign);
            await refused.Response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        }

        await using var own = await guest.ChatAsync(await guest.AskingAsync("[[emu chunks=1]]"));
        Assert.Equal("done", (await own.ToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("[[emu chunks=1]]")]
    [InlineData("[[emu chunks=1 usage=none]]")]
    public async Task A_principal_that_has_used_up_its_tokens_waits_whoever_counted_them_and_others_do_not(string marker)
    {
        using var guest = await sendcat.GuestAsync();
        using var other = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync($"{marker} {new string('x', 5 * TightSystemFixture.TokensOfAPrincipal)}");
        await using (var last = await guest.ChatAsync(thread))
        {
            Assert.Equal("done", (await last.ToEndAsync())[^1].GetProperty("type").GetString());
        }

        await using var refused = await guest.At(sendcat.Replicas[1]).ChatAsync(thread);
        await refused.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.InRange(refused.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 7200);

        await using var admitted = await other.ChatAsync(await other.AskingAsync("[[emu chunks=1]]"));
        Assert.Equal("done", (await admitted.ToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Fact]
    public async Task An_address_that_asks_too_often_is_stopped_before_anything_is_read_whatever_else_it_claims_to_be()
    {
        using var http = new HttpClient { BaseAddress = sendcat.Api.Address };
        for (var n = 0; n < TightSystemFixture.TurnsOfAnAddress; n++)
        {
            using var judged = await FromAsync(http, HttpMethod.Post, "/api/chat", $"6.6.6.{n}, 203.0.113.7");
            await judged.RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }

        foreach (var (method, path) in new[] { (HttpMethod.Post, "/api/chat"), (HttpMethod.Post, "/api/chat/abort"), (HttpMethod.Get, "/api/chat/x/stream") })
        {
            using var refused = await FromAsync(http, method, path, "7.7.7.7, 203.0.113.7", ("cf-connecting-ip", "8.8.8.8"), ("x-real-ip", "9.9.9.9"));
            await refused.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
            Assert.Equal(("authoritative", "enforce"), (refused.Header("X-Sendcat-Chat-Gateway"), refused.Header("X-Sendcat-Admission-Mode")));
        }

        using var other = await FromAsync(http, HttpMethod.Post, "/api/chat", "203.0.113.8");
        await other.RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Fact]
    public async Task A_fresh_session_does_not_refill_the_budget_of_its_address_on_any_replica()
    {
        for (var n = 0; n < TightSystemFixture.TurnsOfAnAddress; n++)
        {
            await using var turn = await FreshTurnAsync(sendcat.Replicas[n / 2]);
            Assert.Equal(HttpStatusCode.OK, turn.Status);
            await turn.ToEndAsync();
        }

        await using var refused = await FreshTurnAsync(sendcat.Replicas[1]);
        await refused.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
    }

    [Fact]
    public async Task Silence_before_the_first_token_is_filled_with_comments()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu hang=before-first]]");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(new { threadId = thread }) };
        using var answer = await guest.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));

        var lines = new List<string>();
        while (lines.Count(line => line.StartsWith(':')) < 2)
        {
            lines.Add(await reader.ReadLineAsync(patience.Token) ?? throw new InvalidOperationException(string.Join('\n', lines)));
        }

        Assert.StartsWith("data: {\"type\":\"start\"", lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain(lines, line => line.Contains("\"content\"", StringComparison.Ordinal));
        var start = System.Text.Json.JsonDocument.Parse(lines[0]["data: ".Length..]).RootElement;
        using var stopped = await guest.AbortAsync(thread, start.GetProperty("messageId").GetString()!);
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
    }

    [Fact]
    public async Task Health_that_is_switched_off_is_forbidden()
    {
        using var http = new HttpClient { BaseAddress = sendcat.Api.Address };
        using var answer = await http.GetAsync("/api/chat/health");
        await answer.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    private static async Task<HttpResponseMessage> FromAsync(HttpClient http, HttpMethod method, string path, string forwardedFor, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = method == HttpMethod.Get ? null : new StringContent("hello", Encoding.UTF8, "text/plain") };
        request.Headers.Add("X-Forwarded-For", forwardedFor);
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return await http.SendAsync(request);
    }

    /// <summary>A new guest every time, behind one and the same address.</summary>
    private async Task<ChatStream> FreshTurnAsync(Replica replica)
    {
        using var guest = await SendcatClient.GuestAsync(replica.Address);
        var thread = await guest.AskingAsync("[[emu chunks=1]]");
        var http = new HttpClient { BaseAddress = replica.Address };
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(new { threadId = thread, sessionId = guest.SessionId }) };
        request.Headers.Add("X-Forwarded-For", "203.0.113.99");
        return new ChatStream(await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead));
    }
}

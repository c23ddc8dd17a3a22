using System.Net;
using System.Net.Http.Json;
using System.Text;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Limits refuse a request with the documented status and <c>Retry-After</c> before anything is streamed.</summary>
public sealed class GuardTests(LowLimitSystemFixture fixture) : IClassFixture<LowLimitSystemFixture>
{
    private readonly SendcatSystem _sendcat = fixture.System;

    [Fact]
    public async Task A_full_provider_bulkhead_is_503_before_the_stream_and_an_abort_frees_its_slot()
    {
        using var first = await _sendcat.GuestAsync();
        using var second = await _sendcat.GuestAsync();
        var heldThread = await first.NewThreadAsync("[[emu hang=before-first]]");
        await using var held = await first.ChatAsync(heldThread);
        var start = await held.ReadUntilAsync("start");

        await using (var refused = await second.ChatAsync(await second.NewThreadAsync("hi")))
        {
            await refused.Response.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable", "bulkhead_saturated");
            Assert.InRange(refused.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        }

        using var stopped = await first.AbortAsync(heldThread, start.GetProperty("messageId").GetString()!);
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);

        // No signal reports the release of the slot to a client.
        var thread = await second.NewThreadAsync("[[emu chunks=1]]");
        await Eventually.TrueAsync(async () =>
        {
            await using var admitted = await second.ChatAsync(thread);
            return admitted.Status == HttpStatusCode.OK && (await admitted.ReadToEndAsync())[^1].GetProperty("type").GetString() == "done";
        });
    }

    [Fact]
    public async Task A_principal_over_its_turn_limit_gets_a_retry_delay_on_every_replica_and_others_are_admitted()
    {
        using var guest = await _sendcat.GuestAsync();
        using var other = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync();
        for (var n = 0; n < LowLimitSystemFixture.TurnsPerPrincipal; n++)
        {
            await guest.AddMessageAsync(thread, "[[emu chunks=1]]");
            await using var turn = await guest.ChatAsync(thread);
            Assert.Equal(HttpStatusCode.OK, turn.Status);
            await turn.ReadToEndAsync();
        }

        await guest.AddMessageAsync(thread, "[[emu chunks=1]]");
        await using var refused = await guest.ChatAsync(thread);
        await using var elsewhere = await guest.At(_sendcat.Replicas[1]).ChatAsync(thread);
        foreach (var stream in new[] { refused, elsewhere })
        {
            Assert.Contains(
                "seconds", await stream.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "chat_stream"),
                StringComparison.Ordinal);
            Assert.InRange(stream.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 600);
        }

        await using var admitted = await other.ChatAsync(await other.NewThreadAsync("[[emu chunks=1]]"));
        Assert.Equal("done", (await admitted.ReadToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Fact]
    public async Task Requests_for_a_forbidden_thread_do_not_count_against_the_turn_limit()
    {
        using var owner = await _sendcat.GuestAsync();
        using var guest = await _sendcat.GuestAsync();
        var foreign = await owner.NewThreadAsync("mine");
        for (var n = 0; n <= LowLimitSystemFixture.TurnsPerPrincipal; n++)
        {
            await using var refused = await guest.ChatAsync(n == 0 ? "nonsense" : foreign);
            await refused.Response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        }

        await using var own = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=1]]"));
        Assert.Equal("done", (await own.ReadToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("[[emu chunks=1]]")]
    [InlineData("[[emu chunks=1 usage=none]]")]
    public async Task A_principal_over_its_token_budget_is_refused_with_or_without_reported_usage_and_others_are_admitted(string marker)
    {
        using var guest = await _sendcat.GuestAsync();
        using var other = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync($"{marker} {new string('x', 5 * LowLimitSystemFixture.TokensPerPrincipal)}");
        await using (var last = await guest.ChatAsync(thread))
        {
            Assert.Equal("done", (await last.ReadToEndAsync())[^1].GetProperty("type").GetString());
        }

        await guest.AddMessageAsync(thread, marker);
        await using var refused = await guest.At(_sendcat.Replicas[1]).ChatAsync(thread);
        await refused.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "chat_tokens");
        Assert.InRange(refused.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 7200);

        await using var admitted = await other.ChatAsync(await other.NewThreadAsync("[[emu chunks=1]]"));
        Assert.Equal("done", (await admitted.ReadToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Fact]
    public async Task An_address_over_its_limit_is_refused_before_the_body_is_read_whatever_other_headers_it_sends()
    {
        using var http = new HttpClient { BaseAddress = _sendcat.Api.Address };
        for (var n = 0; n < LowLimitSystemFixture.TurnsPerAddress; n++)
        {
            using var counted = await FromAsync(http, HttpMethod.Post, "/api/chat", $"6.6.6.{n}, 203.0.113.7");
            await counted.RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }

        foreach (var (method, path) in new[]
        {
            (HttpMethod.Post, "/api/chat"), (HttpMethod.Post, "/api/chat/abort"), (HttpMethod.Get, "/api/chat/x/stream"),
        })
        {
            using var refused = await FromAsync(
                http, method, path, "7.7.7.7, 203.0.113.7", ("cf-connecting-ip", "8.8.8.8"), ("x-real-ip", "9.9.9.9"));
            await refused.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "chat_ip");
            Assert.Equal(
                ("authoritative", "enforce"), (refused.Header("X-Sendcat-Chat-Gateway"), refused.Header("X-Sendcat-Admission-Mode")));
        }

        using var other = await FromAsync(http, HttpMethod.Post, "/api/chat", "203.0.113.8");
        await other.RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Fact]
    public async Task A_new_session_does_not_reset_the_limit_of_its_address_on_any_replica()
    {
        for (var n = 0; n < LowLimitSystemFixture.TurnsPerAddress; n++)
        {
            await using var turn = await TurnOfNewGuestAsync(_sendcat.Replicas[n / 2]);
            Assert.Equal(HttpStatusCode.OK, turn.Status);
            await turn.ReadToEndAsync();
        }

        await using var refused = await TurnOfNewGuestAsync(_sendcat.Replicas[1]);
        await refused.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "chat_ip");
    }

    [Fact]
    public async Task Keep_alive_comments_are_sent_before_the_first_token()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu hang=before-first]]");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
        {
            Content = JsonContent.Create(new { threadId = thread }),
        };
        using var response = await guest.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));

        var lines = new List<string>();
        while (lines.Count(line => line.StartsWith(':')) < 2)
        {
            lines.Add(await reader.ReadLineAsync(timeout.Token) ?? throw new InvalidOperationException(string.Join('\n', lines)));
        }

        Assert.StartsWith("data: {\"type\":\"start\"", lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain(lines, line => line.Contains("\"content\"", StringComparison.Ordinal));
        var start = System.Text.Json.JsonDocument.Parse(lines[0]["data: ".Length..]).RootElement;
        using var stopped = await guest.AbortAsync(thread, start.GetProperty("messageId").GetString()!);
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
    }

    [Fact]
    public async Task Health_is_forbidden_when_it_is_switched_off()
    {
        using var http = new HttpClient { BaseAddress = _sendcat.Api.Address };
        using var response = await http.GetAsync("/api/chat/health");
        await response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    private static async Task<HttpResponseMessage> FromAsync(
        HttpClient http, HttpMethod method, string path, string forwardedFor, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Content = method == HttpMethod.Get ? null : new StringContent("hello", Encoding.UTF8, "text/plain"),
        };
        request.Headers.Add("X-Forwarded-For", forwardedFor);
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return await http.SendAsync(request);
    }

    /// <summary>A turn of a new guest. All these guests have the same address.</summary>
    private async Task<ChatStream> TurnOfNewGuestAsync(Replica replica)
    {
        using var guest = await SendcatClient.GuestAsync(replica.Address);
        var thread = await guest.NewThreadAsync("[[emu chunks=1]]");
        var http = new HttpClient { BaseAddress = replica.Address };
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
        {
            Content = JsonContent.Create(new { threadId = thread, sessionId = guest.SessionId }),
        };
        request.Headers.Add("X-Forwarded-For", "203.0.113.99");
        return new ChatStream(await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead));
    }
}

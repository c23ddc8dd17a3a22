using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Unusual but valid requests: a message sent twice, unknown models, dialects and stream ids, characters that Postgres cannot store. None
/// logs a stack trace.
/// </summary>
[Collection(nameof(ChatCollection))]
public sealed class OddTurnTests(ChatSystemFixture fixture) : UnusualRequestTests(fixture)
{
    [Fact]
    public async Task Concurrent_requests_with_the_same_message_id_store_one_message()
    {
        var thread = await Guest.NewThreadAsync();
        var streams = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => Guest.PostChatAsync(UseChat.Body(thread, "[[emu chunks=2 every=0]]", "same"))));
        foreach (var stream in streams)
        {
            await using (stream)
            {
                if (stream.Status == HttpStatusCode.OK)
                {
                    await stream.ReadToEndAsync();
                    Assert.True(stream.DoneReceived);
                }
                else
                {
                    await stream.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
                }
            }
        }

        Assert.Single(await Guest.MessagesAsync(thread), message => message.GetProperty("role").GetString() == "user");
    }

    [Fact]
    public async Task A_message_with_a_known_client_id_is_not_stored_again()
    {
        var thread = await Guest.NewThreadAsync();
        using (var stored = await Guest.Http.PostAsJsonAsync(
            $"/api/threads/{thread}/messages", new { content = "[[emu chunks=2 every=0]]", clientId = "mine-1" }))
        {
            stored.EnsureSuccessStatusCode();
        }

        await using var stream = await Guest.PostChatAsync(UseChat.Body(thread, "[[emu chunks=2 every=0]]", "mine-1"));
        await stream.ReadToEndAsync();

        Assert.Equal("finish", stream.Types[^1]);
        Assert.Equal("stop", stream.Events[^1].GetProperty("finishReason").GetString());
        Assert.Equal(["user", "assistant"], (await Guest.MessagesAsync(thread)).Select(message => message.GetProperty("role").GetString()));
    }

    [Theory]
    [InlineData("""[[emu text="nul \u0000 inside" chunks=3]]""")]
    [InlineData("""[[emu tool=get_current_time args={"zone":"\u0000"} id=call_nul]]""")]
    [InlineData("""[[emu tool=get_current_time args={"zone":"\ud800"} id=call_half]]""")]
    [InlineData("""[[emu tool=get_current_time id="call_\u0000"]]""")]
    public async Task A_character_that_Postgres_cannot_store_fails_neither_the_turn_nor_the_next_one(string prompt)
    {
        var thread = await Guest.NewThreadAsync(prompt);
        await using var stream = await Guest.ChatAsync(thread);
        await stream.ReadToEndAsync();

        Assert.Equal("done", stream.Types[^1]);
        Assert.All(
            (await Guest.MessagesAsync(thread)).Skip(1),
            message => Assert.NotEqual("error", message.TryGetProperty("status", out var status) ? status.GetString() : null));
        await Guest.AddMessageAsync(thread, "[[emu chunks=1]]");
        await using var next = await Guest.ChatAsync(thread);
        Assert.Equal(HttpStatusCode.OK, next.Status);
        Assert.Equal("done", (await next.ReadToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_retry_creates_a_branch_and_its_turn_is_answered_there()
    {
        var thread = await Guest.NewThreadAsync("[[emu chunks=2 every=0]]");
        await using (var first = await Guest.ChatAsync(thread))
        {
            await first.ReadToEndAsync();
        }

        var messageId = (await Guest.MessagesAsync(thread))[^1].GetProperty("id").GetString();
        using var retried = await Guest.Http.PostAsJsonAsync($"/api/threads/{thread}/retry", new { messageId });
        var branch = (await retried.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
        await using var second = await Guest.ChatAsync(branch);
        await second.ReadToEndAsync();

        Assert.Equal("done", second.Types[^1]);
        Assert.Equal(["user", "assistant"], (await Guest.MessagesAsync(branch)).Select(message => message.GetProperty("role").GetString()));
    }

    [Fact]
    public async Task An_unknown_model_id_is_forbidden()
    {
        await using var stream = await Guest.ChatAsync(await Guest.NewThreadAsync("hi"), "../../etc/passwd");

        await stream.Response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("model;drop-table")]
    public async Task A_malformed_model_id_is_an_error_of_the_request(string model)
    {
        await using var stream = await Guest.ChatAsync(await Guest.NewThreadAsync("hi"), model);
        if (stream.Status == HttpStatusCode.OK)
        {
            await stream.ReadToEndAsync();
            Assert.DoesNotContain("usage_error", stream.Types);
            Assert.Contains(stream.Types[^1], new[] { "done", "error" });
            Assert.True(stream.Types[^1] == "done" || stream.Events[^1].GetProperty("code").GetString() == "upstream_bad_request");
        }
        else
        {
            await stream.Response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        }
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("ui,sendcat")]
    [InlineData("")]
    public async Task An_unknown_dialect_is_refused(string dialect)
    {
        await using var stream = await Guest.ChatAsync(
            await Guest.NewThreadAsync("[[emu chunks=1]]"), query: $"?stream={dialect}&stream=x");
        await stream.Response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task An_unknown_stream_id_does_not_change_an_abort()
    {
        var thread = await Guest.NewThreadAsync("[[emu chunks=1]]");
        await using (var stream = await Guest.ChatAsync(thread))
        {
            await stream.ReadToEndAsync();
        }

        var message = (await Guest.MessagesAsync(thread))[^1].GetProperty("id").GetString()!;
        foreach (var streamId in new[]
        {
            "nonsense", "STREAM:", "STREAM:nonsense", Guid.NewGuid().ToString(), $"STREAM:{Guid.NewGuid()}", new string('x', 10_000),
        })
        {
            using var response = await Guest.AbortAsync(thread, message, streamId);
            Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        }
    }
}

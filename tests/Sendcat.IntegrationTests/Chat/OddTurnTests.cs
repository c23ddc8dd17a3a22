using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Turns that are odd and yet legal: asked for twice, named strangely, with characters that a record cannot keep.</summary>
[Collection(nameof(ChatCollection))]
public sealed class OddTurnTests(ChatSystemFixture fixture) : IAsyncLifetime
{
    private readonly SendcatSystem sendcat = fixture.System;
    private SendcatClient guest = null!;
    private int traces;

    public async ValueTask InitializeAsync()
    {
        guest = await sendcat.GuestAsync();
        traces = sendcat.Api.StackTraces;
    }

    public ValueTask DisposeAsync()
    {
        guest.Dispose();
        Assert.True(sendcat.Api.StackTraces <= traces, "A stack trace was logged");
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_message_that_is_sent_again_and_at_once_is_stored_once()
    {
        var thread = await guest.NewThreadAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => guest.PostChatAsync(UseChat.Body(thread, "[[emu chunks=2 every=0]]", "same"))));
        foreach (var answer in answers)
        {
            await using (answer)
            {
                if (answer.Status == HttpStatusCode.OK)
                {
                    await answer.ToEndAsync();
                    Assert.True(answer.SawDone);
                }
                else
                {
                    await answer.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
                }
            }
        }

        Assert.Single(await guest.MessagesAsync(thread), message => message.GetProperty("role").GetString() == "user");
    }

    [Fact]
    public async Task A_message_that_was_stored_by_its_client_id_before_is_that_message()
    {
        var thread = await guest.NewThreadAsync();
        using (var stored = await guest.Http.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = "[[emu chunks=2 every=0]]", clientId = "mine-1" }))
        {
            stored.EnsureSuccessStatusCode();
        }

        await using var stream = await guest.PostChatAsync(UseChat.Body(thread, "[[emu chunks=2 every=0]]", "mine-1"));
        await stream.ToEndAsync();

        Assert.Equal("finish", stream.Types[^1]);
        Assert.Equal("stop", stream.Seen[^1].GetProperty("finishReason").GetString());
        Assert.Equal(["user", "assistant"], (await guest.MessagesAsync(thread)).Select(message => message.GetProperty("role").GetString()));
    }

    [Theory]
    [InlineData("""[[emu text="nul \u0000 inside" chunks=3]]""")]
    [InlineData("""[[emu tool=get_current_time args={"zone":"\u0000"} id=call_nul]]""")]
    [InlineData("""[[emu tool=get_current_time args={"zone":"\ud800"} id=call_half]]""")]
    [InlineData("""[[emu tool=get_current_time id="call_\u0000"]]""")]
    public async Task A_character_that_the_record_cannot_keep_spoils_no_turn(string prompt)
    {
        var thread = await guest.AskingAsync(prompt);
        await using var stream = await guest.ChatAsync(thread);
        await stream.ToEndAsync();

        Assert.Equal("done", stream.Types[^1]);
        Assert.All((await guest.MessagesAsync(thread)).Skip(1), message => Assert.NotEqual("error", message.TryGetProperty("status", out var status) ? status.GetString() : null));
        await guest.SayAsync(thread, "[[emu chunks=1]]");
        await using var next = await guest.ChatAsync(thread);
        Assert.Equal(HttpStatusCode.OK, next.Status);
        Assert.Equal("done", (await next.ToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_guest_may_try_again_in_a_branch_and_is_answered_there()
    {
        var thread = await guest.AskingAsync("[[emu chunks=2 every=0]]");
        await using (var first = await guest.ChatAsync(thread))
        {
            await first.ToEndAsync();
        }

        var answer = (await guest.MessagesAsync(thread))[^1].GetProperty("id").GetString();
        using var retried = await guest.Http.PostAsJsonAsync($"/api/threads/{thread}/retry", new { messageId = answer });
        var branch = (await retried.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
        await using var again = await guest.ChatAsync(branch);
        await again.ToEndAsync();

        Assert.Equal("done", again.Types[^1]);
        Assert.Equal(["user", "assistant"], (await guest.MessagesAsync(branch)).Select(message => message.GetProperty("role").GetString()));
    }

    [Fact]
    public async Task A_model_that_nobody_knows_is_not_allowed_however_odd_it_is()
    {
        await using var stream = await guest.ChatAsync(await guest.AskingAsync("hi"), "../../etc/passwd");

        await stream.Response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("model;drop-table")]
    public async Task A_model_that_cannot_be_one_is_an_error_of_the_request(string model)
    {
        await using var stream = await guest.ChatAsync(await guest.AskingAsync("hi"), model);
        if (stream.Status == HttpStatusCode.OK)
        {
            await stream.ToEndAsync();
            Assert.DoesNotContain("usage_error", stream.Types);
            Assert.Contains(stream.Types[^1], new[] { "done", "error" });
            Assert.True(stream.Types[^1] == "done" || stream.Seen[^1].GetProperty("code").GetString() == "upstream_bad_request");
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
    public async Task A_dialect_that_is_none_is_passed_over(string dialect)
    {
        await using var stream = await guest.ChatAsync(await guest.AskingAsync("[[emu chunks=1]]"), query: $"?stream={dialect}&stream=x");
        await stream.ToEndAsync();
        Assert.Equal("done", stream.Types[^1]);
    }

    [Fact]
    public async Task A_stream_id_that_is_none_neither_helps_nor_harms_an_abort()
    {
        var thread = await guest.AskingAsync("[[emu chunks=1]]");
        await using (var stream = await guest.ChatAsync(thread))
        {
            await stream.ToEndAsync();
        }

        var message = (await guest.MessagesAsync(thread))[^1].GetProperty("id").GetString()!;
        foreach (var streamId in new[] { "nonsense", "STREAM:", "STREAM:nonsense", Guid.NewGuid().ToString(), $"STREAM:{Guid.NewGuid()}", new string('x', 10_000) })
        {
            using var answer = await guest.AbortAsync(thread, message, streamId);
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        }
    }
}

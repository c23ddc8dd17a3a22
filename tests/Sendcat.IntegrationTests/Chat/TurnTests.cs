using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

[Collection(nameof(ChatCollection))]
public sealed class TurnTests(ChatSystemFixture fixture)
{
    private readonly SendcatSystem sendcat = fixture.System;

    [Fact]
    public async Task A_turn_streams_from_start_to_done_and_is_on_record_when_it_says_so()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("""[[emu text="Blue Mountain is the one." chunks=5 every=5ms]]""");

        await using var stream = await guest.ChatAsync(thread);
        await stream.ToEndAsync();

        Assert.Equal(HttpStatusCode.OK, stream.Status);
        Assert.Equal("Blue Mountain is the one.", stream.Text);
        Assert.Equal(["start", "provider-route"], stream.Types.Take(2));
        Assert.Equal(["usage", "done"], stream.Types.TakeLast(2));
        var answer = (await guest.MessagesAsync(thread))[^1];
        Assert.Equal(("assistant", "completed", "Blue Mountain is the one."), (Text(answer, "role"), Text(answer, "status"), Text(answer, "content")));
        Assert.Equal(Text(stream.Seen[0], "messageId"), Text(answer, "id"));
    }

    [Fact]
    public async Task The_response_tells_proxies_to_keep_their_hands_off_and_names_the_gateway()
    {
        using var guest = await sendcat.GuestAsync();
        await using var stream = await guest.ChatAsync(await guest.AskingAsync("hello"));

        Assert.Equal("text/event-stream", stream.Response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("no", stream.Response.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.Equal("authoritative", stream.Response.Headers.GetValues("X-Sendcat-Chat-Gateway").Single());
        Assert.Equal("enforce", stream.Response.Headers.GetValues("X-Sendcat-Admission-Mode").Single());
        Assert.Equal("no-store, no-transform", stream.Response.Headers.CacheControl!.ToString());
        await stream.ToEndAsync();
    }

    [Fact]
    public async Task A_tool_call_runs_and_its_answer_is_a_message_of_the_thread()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu tool=get_current_time id=call_now]]what time is it?");

        await using var stream = await guest.ChatAsync(thread);
        await stream.ToEndAsync();

        Assert.Equal(2, stream.Types.Count(type => type == "start"));
        Assert.Contains("tool-input-available", stream.Types);
        var starts = stream.Seen.Where(e => Text(e, "type") == "start").ToArray();
        Assert.NotEqual(Text(starts[0], "messageId"), Text(starts[1], "messageId"));
        Assert.Equal(Text(starts[0], "streamId"), Text(starts[1], "streamId"));
        var messages = await guest.MessagesAsync(thread);
        Assert.Equal(["user", "assistant", "tool", "assistant"], messages.Select(message => Text(message, "role")));
        Assert.Equal("call_now", Text(messages[2], "toolCallId"));
        Assert.Contains("Jamaica time", Text(messages[2], "content"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tool_may_be_called_so_often_and_then_the_model_has_to_answer()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu tool=get_current_time tool-rounds=forever]]time?");

        await using var stream = await guest.ChatAsync(thread);
        await stream.ToEndAsync();

        Assert.Equal("done", stream.Types[^1]);
        Assert.Equal(2, stream.Types.Count(type => type == "tool-input-available"));
    }

    [Theory]
    [InlineData("[[emu status=402]]", "upstream_quota_exceeded")]
    [InlineData("[[emu status=429 retry-after=2]]", "upstream_rate_limited")]
    [InlineData("[[emu status=401]]", "upstream_auth")]
    [InlineData("[[emu status=400]]", "upstream_bad_request")]
    [InlineData("[[emu status=503]]", "upstream_unavailable")]
    [InlineData("[[emu status=503 body=html]]", "upstream_unavailable")]
    public async Task A_refusal_of_the_provider_is_a_classified_error_and_the_message_says_error(string prompt, string code)
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync(prompt);

        await using var stream = await guest.ChatAsync(thread);
        await stream.ToEndAsync();

        Assert.Equal(["usage_error", "error"], stream.Types.TakeLast(2));
        Assert.Equal(code, Text(stream.Seen[^1], "code"));
        Assert.Equal("error", Text((await guest.MessagesAsync(thread))[^1], "status"));
    }

    [Theory]
    [InlineData("[[emu chunks=9 error-after=3 code=502]]")]
    [InlineData("[[emu chunks=9 error-after=3 code=server_error]]")]
    [InlineData("[[emu chunks=9 cut-after=4 cut=rst]]")]
    [InlineData("[[emu chunks=9 cut-after=4 cut=eof]]")]
    [InlineData("[[emu chunks=9 bad-json-after=3]]")]
    [InlineData("[[emu chunks=9 giant-after=3 giant-line=2mb]]")]
    [InlineData("[[emu chunks=9 stall-after=4]]")]
    public async Task A_fault_in_the_middle_of_a_stream_keeps_the_partial_text_and_says_error(string prompt)
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync(prompt);

        await using var stream = await guest.ChatAsync(thread);
        await stream.ToEndAsync();

        Assert.Equal("error", stream.Types[^1]);
        Assert.StartsWith("upstream_", Text(stream.Seen[^1], "code"), StringComparison.Ordinal);
        Assert.StartsWith("1 2", stream.Text, StringComparison.Ordinal);
        var answer = (await guest.MessagesAsync(thread))[^1];
        Assert.Equal(("error", stream.Text), (Text(answer, "status"), Text(answer, "content")));
    }

    [Fact]
    public async Task A_primary_that_fails_before_the_first_token_is_replaced_by_the_secondary()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("""[[emu model=moonshotai/kimi-k2.5 status=503]] [[emu text="From the second."]]""");

        await using var stream = await guest.ChatAsync(thread, "moonshotai/kimi-k2.5");
        await stream.ToEndAsync();

        Assert.Equal("done", stream.Types[^1]);
        Assert.Equal("From the second.", stream.Text);
        Assert.Equal("secondary", Text(stream.Seen.Last(e => Text(e, "type") == "provider-route"), "routeId"));
        Assert.Equal("google/gemini-2.0-flash-exp:free", Text((await guest.MessagesAsync(thread))[^1], "modelId"));
    }

    [Theory]
    [InlineData("openai/gpt-5-mini", null, "openai/gpt-5-mini")]
    [InlineData("openai/gpt-5-mini", "openai/gpt-4.1", "openai/gpt-4.1")]
    [InlineData(null, null, "openai/gpt-5")]
    [InlineData("x", null, "openai/gpt-5")]
    public async Task The_model_is_the_one_asked_for_else_the_threads_and_else_the_operators(string? chosen, string? asked, string answers)
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu tool=get_current_time]]time?");
        if (chosen is not null)
        {
            using var changed = await guest.Http.PatchAsJsonAsync($"/api/threads/{thread}", new { modelId = chosen });
            changed.EnsureSuccessStatusCode();
        }

        await using var stream = await guest.ChatAsync(thread, asked);
        await stream.ToEndAsync();

        Assert.Equal("done", stream.Types[^1]);
        Assert.Equal([("assistant", answers), ("tool", answers), ("assistant", answers)], (await guest.MessagesAsync(thread)).Skip(1).Select(message => (Text(message, "role"), Text(message, "modelId"))));
    }

    [Fact]
    public async Task Whatever_way_the_provider_cuts_its_bytes_the_text_is_whole()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("""[[emu text="Ackee & saltfish – ¿qué tal? 🥭🇯🇲" chunks=7 split-bytes=3 crlf comments=between no-space]]""");

        await using var stream = await guest.ChatAsync(thread);
        await stream.ToEndAsync();

        Assert.Equal("Ackee & saltfish – ¿qué tal? 🥭🇯🇲", stream.Text);
    }

    [Fact]
    public async Task Usage_that_follows_the_finish_reason_is_told()
    {
        using var guest = await sendcat.GuestAsync();
        await using var stream = await guest.ChatAsync(await guest.AskingAsync("[[emu usage=separate-null chunks=3]]"));
        await stream.ToEndAsync();

        var usage = stream.Seen.Single(e => Text(e, "type") == "usage");
        Assert.True(usage.GetProperty("usage").GetProperty("total_tokens").GetInt64() > 0);
        Assert.Equal("stop", Text(usage.GetProperty("metrics"), "finishReason"));
    }

    [Fact]
    public async Task A_second_turn_of_the_same_guest_is_told_to_wait_while_the_first_is_read()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu chunks=200 every=50ms]]");
        await using var first = await guest.ChatAsync(thread);
        await first.UntilAsync("content");

        await using var second = await guest.ChatAsync(await guest.AskingAsync("again"));

        Assert.Equal((HttpStatusCode.TooManyRequests, "rate_limited"), (second.Status, second.ErrorCode));
        Assert.NotNull(second.Response.Headers.RetryAfter);
        using var stopped = await guest.AbortAsync(thread, Text(first.Seen[0], "messageId")!);
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
    }

    [Fact]
    public async Task The_place_of_a_turn_is_free_when_the_reader_hears_that_it_is_done()
    {
        using var guest = await sendcat.GuestAsync();
        for (var i = 0; i < 10; i++)
        {
            await using var stream = await guest.ChatAsync(await guest.AskingAsync("[[emu chunks=2 every=0]]"));
            await stream.ToEndAsync();
            Assert.Equal("done", stream.Types[^1]);
        }
    }

    [Fact]
    public async Task A_thread_of_somebody_else_a_missing_one_and_nonsense_are_refused_alike()
    {
        using var owner = await sendcat.GuestAsync();
        using var stranger = await sendcat.GuestAsync();
        var thread = await owner.AskingAsync("mine");

        foreach (var id in new[] { thread, Guid.NewGuid().ToString(), "not-a-thread", new string('x', 100) })
        {
            await using var stream = await stranger.ChatAsync(id);
            Assert.Equal((HttpStatusCode.Forbidden, "forbidden", "Forbidden"), (stream.Status, stream.ErrorCode, await stream.BodyAsync()));
        }
    }

    [Fact]
    public async Task A_thread_without_a_message_can_be_talked_to()
    {
        using var guest = await sendcat.GuestAsync();
        await using var stream = await guest.ChatAsync(await guest.NewThreadAsync());

        Assert.Equal("done", Text((await stream.ToEndAsync())[^1], "type"));
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using static Sendcat.IntegrationTests.Chat.JsonFields;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>The events and persisted messages of turns, with tools, different models and provider failures.</summary>
[Collection(nameof(ChatCollection))]
public sealed class TurnTests(ChatSystemFixture fixture)
{
    private readonly SendcatSystem _sendcat = fixture.System;

    [Fact]
    public async Task A_turn_streams_from_start_to_done_and_is_persisted_before_done_is_sent()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("""[[emu text="Blue Mountain is the one." chunks=5 every=5ms]]""");

        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadToEndAsync();

        Assert.Equal(HttpStatusCode.OK, stream.Status);
        Assert.Equal("Blue Mountain is the one.", stream.Text);
        Assert.Equal(["start", "provider-route"], stream.Types.Take(2));
        Assert.Equal(["usage", "done"], stream.Types.TakeLast(2));
        var answer = (await guest.MessagesAsync(thread))[^1];
        Assert.Equal(
            ("assistant", "completed", "Blue Mountain is the one."),
            (Text(answer, "role"), Text(answer, "status"), Text(answer, "content")));
        Assert.Equal(Text(stream.Events[0], "messageId"), Text(answer, "id"));
    }

    [Fact]
    public async Task The_response_forbids_proxies_to_buffer_and_names_the_gateway_mode()
    {
        using var guest = await _sendcat.GuestAsync();
        await using var stream = await guest.ChatAsync(await guest.NewThreadAsync("hello"));

        Assert.Equal("text/event-stream", stream.Response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("no", stream.Response.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.Equal("authoritative", stream.Response.Headers.GetValues("X-Sendcat-Chat-Gateway").Single());
        Assert.Equal("enforce", stream.Response.Headers.GetValues("X-Sendcat-Admission-Mode").Single());
        Assert.Equal("no-store, no-transform", stream.Response.Headers.CacheControl!.ToString());
        await stream.ReadToEndAsync();
    }

    [Fact]
    public async Task A_tool_call_runs_and_its_result_is_a_message_of_the_thread()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu tool=get_current_time id=call_now]]what time is it?");

        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadToEndAsync();

        Assert.Equal(2, stream.Types.Count(type => type == "start"));
        Assert.Contains("tool-input-available", stream.Types);
        var starts = stream.Events.Where(e => Text(e, "type") == "start").ToArray();
        Assert.NotEqual(Text(starts[0], "messageId"), Text(starts[1], "messageId"));
        Assert.Equal(Text(starts[0], "streamId"), Text(starts[1], "streamId"));
        var messages = await guest.MessagesAsync(thread);
        Assert.Equal(["user", "assistant", "tool", "assistant"], messages.Select(message => Text(message, "role")));
        Assert.Equal("call_now", Text(messages[2], "toolCallId"));
        Assert.Contains("Jamaica time", Text(messages[2], "content"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tool_calls_are_limited_and_then_the_model_must_answer()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu tool=get_current_time tool-rounds=forever]]time?");

        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadToEndAsync();

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
    public async Task A_provider_error_has_a_code_and_the_message_has_status_error(string prompt, string code)
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(prompt);

        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadToEndAsync();

        Assert.Equal(["usage_error", "error"], stream.Types.TakeLast(2));
        Assert.Equal(code, Text(stream.Events[^1], "code"));
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
    public async Task A_fault_in_the_stream_keeps_the_partial_text_and_the_message_has_status_error(string prompt)
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(prompt);

        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadToEndAsync();

        Assert.Equal("error", stream.Types[^1]);
        Assert.StartsWith("upstream_", Text(stream.Events[^1], "code"), StringComparison.Ordinal);
        Assert.StartsWith("1 2", stream.Text, StringComparison.Ordinal);
        var answer = (await guest.MessagesAsync(thread))[^1];
        Assert.Equal(("error", stream.Text), (Text(answer, "status"), Text(answer, "content")));
    }

    [Fact]
    public async Task A_primary_that_fails_before_the_first_token_is_replaced_by_the_secondary()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("""[[emu model=moonshotai/kimi-k2.5 status=503]] [[emu text="From the second."]]""");

        await using var stream = await guest.ChatAsync(thread, "moonshotai/kimi-k2.5");
        await stream.ReadToEndAsync();

        Assert.Equal("done", stream.Types[^1]);
        Assert.Equal("From the second.", stream.Text);
        Assert.Equal("secondary", Text(stream.Events.Last(e => Text(e, "type") == "provider-route"), "routeId"));
        Assert.Equal("google/gemini-2.0-flash-exp:free", Text((await guest.MessagesAsync(thread))[^1], "modelId"));
    }

    [Theory]
    [InlineData("openai/gpt-5-mini", null, "openai/gpt-5-mini")]
    [InlineData("openai/gpt-5-mini", "openai/gpt-4.1", "openai/gpt-4.1")]
    [InlineData(null, null, "openai/gpt-5")]
    [InlineData("moonshotai/kimi-k2.5", null, "moonshotai/kimi-k2.5")]
    [InlineData("", null, "openai/gpt-5")]
    public async Task The_model_is_the_requested_one_or_else_that_of_the_thread_or_else_the_default(
        string? ofThread, string? requested, string expected)
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu tool=get_current_time]]time?");
        if (ofThread is not null)
        {
            using var changed = await guest.Http.PatchAsJsonAsync($"/api/threads/{thread}", new { modelId = ofThread });
            changed.EnsureSuccessStatusCode();
        }

        await using var stream = await guest.ChatAsync(thread, requested);
        await stream.ReadToEndAsync();

        Assert.Equal("done", stream.Types[^1]);
        Assert.Equal(
            [("assistant", expected), ("tool", expected), ("assistant", expected)],
            (await guest.MessagesAsync(thread)).Skip(1).Select(message => (Text(message, "role"), Text(message, "modelId"))));
    }

    [Fact]
    public async Task The_text_is_complete_however_the_provider_splits_its_bytes()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(
            """[[emu text="Ackee & saltfish – ¿qué tal? 🥭🇯🇲" chunks=7 split-bytes=3 crlf comments=between no-space]]""");

        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadToEndAsync();

        Assert.Equal("Ackee & saltfish – ¿qué tal? 🥭🇯🇲", stream.Text);
    }

    [Fact]
    public async Task Usage_after_the_finish_reason_is_reported()
    {
        using var guest = await _sendcat.GuestAsync();
        await using var stream = await guest.ChatAsync(await guest.NewThreadAsync("[[emu usage=separate-null chunks=3]]"));
        await stream.ReadToEndAsync();

        var usage = stream.Events.Single(e => Text(e, "type") == "usage");
        Assert.True(usage.GetProperty("usage").GetProperty("total_tokens").GetInt64() > 0);
        Assert.Equal("stop", Text(usage.GetProperty("metrics"), "finishReason"));
    }

    [Fact]
    public async Task A_second_turn_of_a_guest_is_rate_limited_while_the_first_is_read()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu chunks=200 every=50ms]]");
        await using var first = await guest.ChatAsync(thread);
        await first.ReadUntilAsync("content");

        await using var second = await guest.ChatAsync(await guest.NewThreadAsync("again"));

        Assert.Contains(
            "Another answer", await second.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "user_inflight"),
            StringComparison.Ordinal);
        using var stopped = await guest.AbortAsync(thread, Text(first.Events[0], "messageId")!);
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_that_was_stored_before_a_refusal_is_answered_by_the_next_start(bool withAnother)
    {
        using var guest = await _sendcat.GuestAsync();
        var busy = await guest.NewThreadAsync("[[emu chunks=200 every=50ms]]");
        await using var running = await guest.ChatAsync(busy);
        await running.ReadUntilAsync("content");
        var waiting = $"red shoes {Guid.NewGuid()}";
        var thread = await guest.NewThreadAsync(waiting);
        await using (var refused = await guest.ChatAsync(thread))
        {
            await refused.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "user_inflight");
        }

        using var stopped = await guest.AbortAsync(busy, Text(running.Events[0], "messageId")!);
        await running.ReadToEndAsync();
        if (withAnother)
        {
            await guest.AddMessageAsync(thread, "in size 42");
        }

        await using var answered = await guest.ChatAsync(thread);
        await answered.ReadToEndAsync();

        Assert.Equal("done", answered.Types[^1]);
        var asked = _sendcat.Model.Requests.Where(request => request.Body.ValueKind == JsonValueKind.Object)
            .Select(request => request.Body.GetProperty("messages").EnumerateArray().Select(message => Text(message, "content")).ToList())
                .Single(messages => messages.Contains(waiting));
        Assert.Equal(withAnother ? [waiting, "in size 42"] : [waiting], asked.SkipWhile(text => text != waiting));
    }

    [Fact]
    public async Task The_slot_of_a_turn_is_free_when_its_reader_receives_done()
    {
        using var guest = await _sendcat.GuestAsync();
        for (var i = 0; i < 10; i++)
        {
            await using var stream = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=2 every=0]]"));
            await stream.ReadToEndAsync();
            Assert.Equal("done", stream.Types[^1]);
        }
    }

    [Fact]
    public async Task Foreign_missing_and_malformed_thread_ids_get_the_same_refusal()
    {
        using var owner = await _sendcat.GuestAsync();
        using var other = await _sendcat.GuestAsync();
        var thread = await owner.NewThreadAsync("mine");

        foreach (var id in new[] { thread, Guid.NewGuid().ToString(), "not-a-thread", new string('x', 100) })
        {
            await using var stream = await other.ChatAsync(id);
            Assert.Equal((HttpStatusCode.Forbidden, "forbidden", "Forbidden"), (stream.Status, stream.ErrorCode, await stream.BodyAsync()));
        }
    }

    [Fact]
    public async Task A_turn_in_a_thread_without_messages_succeeds()
    {
        using var guest = await _sendcat.GuestAsync();
        await using var stream = await guest.ChatAsync(await guest.NewThreadAsync());

        Assert.Equal("done", Text((await stream.ReadToEndAsync())[^1], "type"));
    }
}

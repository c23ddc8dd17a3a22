using System.Net;
using System.Net.Http.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// The same request again, from a proxy or a client that lost the response: it joins the running turn, gets the complete answer again, or
/// replaces an answer that was cut. The provider is called once for each answer that is stored.
/// </summary>
[Collection(nameof(ChatCollection))]
public sealed class RepeatedRequestTests(ChatSystemFixture fixture) : IAsyncLifetime
{
    private readonly SendcatSystem _sendcat = fixture.System;
    private readonly string _key = Guid.NewGuid().ToString("N");
    private SendcatClient _guest = null!;

    public async ValueTask InitializeAsync() => _guest = await _sendcat.GuestAsync();

    public ValueTask DisposeAsync()
    {
        _guest.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(0, true)]
    [InlineData(1, true)]
    public async Task A_repeated_request_joins_the_running_turn_on_any_replica(int replica, bool useChat)
    {
        const string prompt = "[[emu chunks=80 every=50ms]]";
        var thread = useChat ? await _guest.NewThreadAsync() : await _guest.NewThreadAsync(prompt);
        using var there = _guest.At(_sendcat.Replicas[replica]);
        var started = Started();
        await using var first = await PostAsync(_guest, thread, prompt, useChat);
        await first.ReadUntilAsync(useChat ? "text-delta" : "content");

        await using var second = await PostAsync(there, thread, prompt, useChat);
        await Task.WhenAll(first.ReadToEndAsync(), second.ReadToEndAsync());

        Assert.Equal(started + 1, Started());
        Assert.Equal(Ids(first), Ids(second));
        Assert.Equal(TextOf(first), TextOf(second));
        Assert.Equal(["user", "assistant"], await RolesAsync(thread));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_turn_that_lost_its_client_is_joined_by_the_repeated_request(bool useChat)
    {
        const string prompt = "[[emu chunks=80 every=50ms]]";
        var thread = useChat ? await _guest.NewThreadAsync() : await _guest.NewThreadAsync(prompt);
        var started = Started();
        await using (var first = await PostAsync(_guest, thread, prompt, useChat))
        {
            await first.ReadUntilAsync(useChat ? "text-delta" : "content");
        }

        await using var second = await PostAsync(_guest, thread, prompt, useChat);
        await second.ReadToEndAsync();

        Assert.Equal(started + 1, Started());
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 80)), TextOf(second).Trim());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_repeated_request_gets_a_complete_answer_as_it_is_stored(bool useChat)
    {
        const string prompt = """[[emu call=1 tool=get_current_time]] [[emu call=2 text="It is late." reasoning=2]]""";
        var thread = useChat ? await _guest.NewThreadAsync() : await _guest.NewThreadAsync(prompt);
        await using var first = await PostAsync(_guest, thread, prompt, useChat);
        await first.ReadToEndAsync();
        var (started, stored) = (Started(), await _guest.MessagesAsync(thread));

        await using var second = await PostAsync(_guest.At(_sendcat.Replicas[1]), thread, prompt, useChat);
        await second.ReadToEndAsync();

        Assert.Equal((started, "It is late."), (Started(), TextOf(second)));
        Assert.Equal(Ids(first), Ids(second));
        Assert.Contains("tool-input-available", second.Types);
        Assert.Contains("tool-output-available", second.Types);
        Assert.Equal(useChat ? "finish" : "done", second.Types[^1]);
        Assert.Equal(stored, await _guest.MessagesAsync(thread), (one, other) => one.GetRawText() == other.GetRawText());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_repeated_request_replaces_an_answer_that_was_cut(bool useChat)
    {
        var prompt = $"""[[emu text="Whole."]] [[emu times=1 key={_key} chunks=8 hang=mid]]""";
        var thread = useChat ? await _guest.NewThreadAsync() : await _guest.NewThreadAsync(prompt);
        await using (var first = await PostAsync(_guest, thread, prompt, useChat))
        {
            await first.ReadUntilAsync(useChat ? "text-delta" : "content");
            using var stopped = await _guest.AbortLatestAsync(thread);
            await first.ReadToEndAsync();
        }

        Assert.Equal("aborted", (await _guest.MessagesAsync(thread))[^1].GetProperty("status").GetString());
        await using var second = await PostAsync(_guest, thread, prompt, useChat);
        await second.ReadToEndAsync();

        Assert.Equal("Whole.", TextOf(second));
        var messages = await _guest.MessagesAsync(thread);
        Assert.Equal(["user", "assistant"], messages.Select(message => message.GetProperty("role").GetString()));
        Assert.Equal("Whole.", messages[^1].GetProperty("content").GetString());
    }

    [Fact]
    public async Task Concurrent_requests_with_one_message_share_one_turn()
    {
        var thread = await _guest.NewThreadAsync();
        using var there = _guest.At(_sendcat.Replicas[1]);
        var started = Started();

        var streams = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(
                n => PostAsync(n % 2 == 0 ? _guest : there, thread, "[[emu chunks=20 every=50ms]]", useChat: true)));
        foreach (var stream in streams)
        {
            await using (stream)
            {
                Assert.Equal(HttpStatusCode.OK, stream.Status);
                await stream.ReadToEndAsync();
                Assert.Equal(string.Join(' ', Enumerable.Range(1, 20)), TextOf(stream).Trim());
            }
        }

        Assert.Equal(started + 1, Started());
        Assert.Equal(["user", "assistant"], await RolesAsync(thread));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Equal_texts_without_an_id_are_two_messages_with_two_answers(bool storedBefore)
    {
        const string prompt = """yes [[emu text="Done."]]""";
        var thread = await _guest.NewThreadAsync();
        var started = Started();
        for (var n = 0; n < 2; n++)
        {
            if (storedBefore)
            {
                await _guest.AddMessageAsync(thread, prompt);
            }

            await using var stream = await _guest.PostChatAsync(
                storedBefore ? new { threadId = thread } : new { threadId = thread, message = prompt });
            await stream.ReadToEndAsync();
            Assert.Equal("Done.", TextOf(stream));
        }

        Assert.Equal(started + 2, Started());
        Assert.Equal(["user", "assistant", "user", "assistant"], await RolesAsync(thread));
    }

    [Fact]
    public async Task A_message_that_was_stored_while_a_turn_ran_gets_an_answer_of_its_own()
    {
        var thread = await _guest.NewThreadAsync(
            """[[emu call=1 tool=get_current_time args={"zone":"America/Jamaica"} tool-split=20 every=250ms]] [[emu call=2 text="First."]]""");
        await using var first = await _guest.ChatAsync(thread);
        await first.ReadUntilAsync("tool-input-start");
        await _guest.AddMessageAsync(thread, """[[emu text="Second."]]""");
        await using (var early = await _guest.ChatAsync(thread))
        {
            await early.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "user_inflight");
        }

        await first.ReadToEndAsync();
        Assert.Equal("First.", TextOf(first));
        for (var n = 0; n < 2; n++)
        {
            await using var second = await _guest.ChatAsync(thread);
            await second.ReadToEndAsync();
            Assert.Equal("Second.", TextOf(second));
        }

        Assert.Equal(["user", "assistant", "tool", "assistant", "user", "assistant"], await RolesAsync(thread));
    }

    [Fact]
    public async Task An_idempotency_key_names_the_thread_and_the_message_that_a_request_begins()
    {
        var started = Started();
        var threads = new List<string?>();
        foreach (var client in new[] { _guest, _guest.At(_sendcat.Replicas[1]) })
        {
            await using var stream = new ChatStream(await PostWithKeyAsync(client, _key, """[[emu text="Hello."]]"""));
            await stream.ReadToEndAsync();
            Assert.Equal("Hello.", TextOf(stream));
            threads.Add(stream.Response.Header("x-sendcat-thread-id"));
        }

        Assert.Equal(started + 1, Started());
        var thread = Assert.Single(threads.Distinct())!;

        using var other = await PostWithKeyAsync(_guest, _key, "another message");
        await other.RefusedAsync(HttpStatusCode.Conflict, "conflict");
        using var invalid = await PostWithKeyAsync(_guest, "not a key", "hi");
        await invalid.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Equal(
            ["""[[emu text="Hello."]]""", "Hello."],
            (await _guest.MessagesAsync(thread)).Select(message => message.GetProperty("content").GetString()));
    }

    [Fact]
    public async Task Concurrent_requests_with_one_key_begin_one_thread_and_one_turn()
    {
        using var there = _guest.At(_sendcat.Replicas[1]);
        var started = Started();

        var responses = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(n => PostWithKeyAsync(n % 2 == 0 ? _guest : there, _key, "[[emu chunks=20 every=50ms]]")));
        var streams = responses.Select(response => new ChatStream(response)).ToArray();
        foreach (var stream in streams)
        {
            await using (stream)
            {
                if (stream.Status != HttpStatusCode.OK)
                {
                    // The first request has its slot, and takes longer than a second one waits to begin its turn.
                    await stream.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "user_inflight");
                    continue;
                }

                await stream.ReadToEndAsync();
                Assert.Equal(string.Join(' ', Enumerable.Range(1, 20)), TextOf(stream).Trim());
            }
        }

        Assert.Equal(started + 1, Started());
        Assert.Single(
            streams.Where(stream => stream.Status == HttpStatusCode.OK).Select(stream => stream.Response.Header("x-sendcat-thread-id"))
                .Distinct());
    }

    [Fact]
    public async Task The_ui_dialect_stores_its_user_message_once_when_the_request_is_repeated()
    {
        var thread = await _guest.NewThreadAsync();
        object Body(string text) => new
        {
            id = thread,
            trigger = "submit-message",
            sessionId = _guest.SessionId,
            messages = new object[]
            {
                new { id = "old", role = "assistant", parts = new object[] { new { type = "text", text = "ignored" } } },
                new { id = "client-1", role = "user", parts = new object[] { new { type = "text", text } } },
            },
        };

        await using var stream = await _guest.PostChatAsync(Body("""[[emu text="Hi."]]hello"""));
        await stream.ReadToEndAsync();
        await using var repeated = await _guest.PostChatAsync(Body("""[[emu text="Hi."]]hello"""));
        await repeated.ReadToEndAsync();

        Assert.True(stream.DoneReceived);
        Assert.Equal("v1", stream.Response.Headers.GetValues("x-vercel-ai-ui-message-stream").Single());
        Assert.Equal(["start", "start-step"], stream.Types.Take(2));
        Assert.Equal(["text-end", "finish-step", "finish"], stream.Types.TakeLast(3));
        Assert.Equal(
            ["user", "assistant"], (await _guest.MessagesAsync(thread)).Select(message => message.GetProperty("role").GetString()));
    }

    private static async Task<HttpResponseMessage> PostWithKeyAsync(SendcatClient client, string key, string message)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Headers = { { "Idempotency-Key", key } } };
        request.Content = JsonContent.Create(new { message });
        return await client.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static Task<ChatStream> PostAsync(SendcatClient client, string thread, string prompt, bool useChat) =>
        useChat ? client.PostChatAsync(UseChat.Body(thread, prompt, "m1")) : client.ChatAsync(thread);

    private static string TextOf(ChatStream stream) => stream.Text + string.Concat(
        stream.Events.Where(e => e.GetProperty("type").GetString() == "text-delta").Select(e => e.GetProperty("delta").GetString()));

    private static string[] Ids(ChatStream stream) =>
        [.. stream.Events.Where(e => e.GetProperty("type").GetString() == "start").Select(e => e.GetProperty("messageId").GetString()!)];

    private async Task<IEnumerable<string?>> RolesAsync(string thread) =>
        (await _guest.MessagesAsync(thread)).Select(message => message.GetProperty("role").GetString());

    private long Started() => _sendcat.Model.Stats.Snapshot().ModelCalls;
}

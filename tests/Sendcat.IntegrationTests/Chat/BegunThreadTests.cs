using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Threads that a chat request begins: under an id that the client invented, as stock <c>useChat</c> does, or without any id.
/// </summary>
[Collection(nameof(ChatCollection))]
public sealed class BegunThreadTests(ChatSystemFixture fixture) : IAsyncLifetime
{
    private const string Short = "[[emu chunks=2 every=0]]";

    private readonly SendcatSystem _sendcat = fixture.System;
    private readonly string _chat = $"chat_{Guid.NewGuid():N}"[..21];
    private SendcatClient _guest = null!;

    public async ValueTask InitializeAsync() => _guest = await _sendcat.GuestAsync();

    public ValueTask DisposeAsync()
    {
        _guest.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_id_that_the_client_invented_begins_a_thread_and_names_it_on_every_route(bool isUuid)
    {
        var chat = isUuid ? Guid.NewGuid().ToString() : _chat;
        var prompt = $"find me running shoes, size ten and a half {Short}";
        await using (var first = await _guest.PostChatAsync(UseChat.Body(chat, prompt, "m1")))
        {
            var start = await first.ReadUntilAsync("start");
            await first.ReadToEndAsync();
            var thread = start.GetProperty("messageMetadata").GetProperty("threadId").GetString()!;
            Assert.NotEqual(chat, thread);
            Assert.Equal(thread, first.Response.Header("x-sendcat-thread-id"));
            Assert.Equal(
                await _guest.MessagesAsync(thread), await _guest.MessagesAsync(chat),
                (one, other) => one.GetRawText() == other.GetRawText());
        }

        using var there = _guest.At(_sendcat.Replicas[1]);
        await using (var second = await there.PostChatAsync(UseChat.Body(chat, "[[emu chunks=400 every=25ms]]", "m2")))
        {
            await second.ReadUntilAsync("text-delta");
            await using var resumed = await _guest.ResumeAsync(chat);
            await resumed.ReadUntilAsync("text-delta");
            using var stopped = await _guest.AbortLatestAsync(chat);
            Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
            await second.ReadToEndAsync();
            Assert.Equal("abort", second.Types[^1]);
        }

        var view = await _guest.Http.GetFromJsonAsync<JsonElement>($"/api/threads/{chat}");
        Assert.Equal((prompt[..40], chat), (view.GetProperty("title").GetString(), view.GetProperty("clientId").GetString()));
        Assert.Equal(
            ["user", "assistant", "user", "assistant"],
            (await _guest.MessagesAsync(chat)).Select(message => message.GetProperty("role").GetString()));
        using var deleted = await _guest.Http.DeleteAsync($"/api/threads/{chat}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
    }

    [Fact]
    public async Task The_same_id_of_another_principal_is_another_thread()
    {
        using var other = await _sendcat.GuestAsync();
        foreach (var (client, text) in new[] { (_guest, "mine"), (other, "theirs") })
        {
            await using var stream = await client.PostChatAsync(UseChat.Body(_chat, text + Short, "m1"));
            Assert.Equal("finish", (await stream.ReadToEndAsync())[^1].GetProperty("type").GetString());
        }

        Assert.Equal("mine" + Short, (await _guest.MessagesAsync(_chat))[0].GetProperty("content").GetString());
        Assert.Equal("theirs" + Short, (await other.MessagesAsync(_chat))[0].GetProperty("content").GetString());
    }

    [Fact]
    public async Task The_id_of_a_foreign_thread_begins_an_own_thread()
    {
        using var other = await _sendcat.GuestAsync();
        var foreign = await other.NewThreadAsync("theirs");

        await using (var stream = await _guest.PostChatAsync(UseChat.Body(foreign, "mine" + Short, "m1")))
        {
            await stream.ReadToEndAsync();
        }

        Assert.Equal("mine" + Short, (await _guest.MessagesAsync(foreign))[0].GetProperty("content").GetString());
        Assert.Equal("theirs", Assert.Single(await other.MessagesAsync(foreign)).GetProperty("content").GetString());
    }

    [Fact]
    public async Task A_page_that_resumes_before_its_first_message_is_idle()
    {
        await using var resumed = await _guest.ResumeAsync(_chat);
        using var stopped = await _guest.AbortLatestAsync(_chat);
        await using var regenerated = await _guest.PostChatAsync(
            new { id = _chat, trigger = "regenerate-message", messages = Array.Empty<object>() });

        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NoContent), (resumed.Status, stopped.StatusCode));
        await regenerated.Response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Fact]
    public async Task Concurrent_first_requests_begin_one_thread()
    {
        using var there = _guest.At(_sendcat.Replicas[1]);
        var streams = await Task.WhenAll(
            Enumerable.Range(0, 6).Select(n => (n % 2 == 0 ? _guest : there).PostChatAsync(UseChat.Body(_chat, Short, "m1"))));
        foreach (var stream in streams)
        {
            await using (stream)
            {
                Assert.Contains(stream.Status, new[] { HttpStatusCode.OK, HttpStatusCode.TooManyRequests });
                await stream.BodyAsync();
            }
        }

        var threads = await _guest.Http.GetFromJsonAsync<JsonElement>("/api/threads");
        Assert.Single(threads.GetProperty("items").EnumerateArray());
        Assert.Single(await _guest.MessagesAsync(_chat), message => message.GetProperty("role").GetString() == "user");
    }

    [Theory]
    [InlineData("""{"message":"TEXT"}""")]
    [InlineData("""{"messages":[{"id":"m1","role":"user","parts":[{"type":"text","text":"TEXT"}]}]}""")]
    public async Task A_request_without_a_thread_begins_one(string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat");
        request.Content = new StringContent(
            body.Replace("TEXT", "a kettle, please " + Short, StringComparison.Ordinal), System.Text.Encoding.UTF8, "application/json");
        await using var stream = new ChatStream(await _guest.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead));
        var start = await stream.ReadUntilAsync("start");
        await stream.ReadToEndAsync();

        var thread = stream.Response.Header("x-sendcat-thread-id")!;
        Assert.Equal(
            thread, (start.TryGetProperty("messageMetadata", out var metadata) ? metadata : start).GetProperty("threadId").GetString());
        Assert.Equal(
            ["user", "assistant"], (await _guest.MessagesAsync(thread)).Select(message => message.GetProperty("role").GetString()));
        var view = await _guest.Http.GetFromJsonAsync<JsonElement>($"/api/threads/{thread}");
        Assert.StartsWith("a kettle, please", view.GetProperty("title").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_untitled_thread_gets_its_title_from_its_first_message()
    {
        using var created = await _guest.Http.PostAsJsonAsync("/api/threads", new { });
        using var createdToo = await _guest.Http.PostAsJsonAsync("/api/threads", new { });
        var thread = (await created.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
        var other = (await createdToo.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;

        await _guest.AddMessageAsync(thread, "a kettle");
        await _guest.AddMessageAsync(thread, "or a toaster");
        await using (var stream = await _guest.PostChatAsync(UseChat.Body(other, "a lamp" + Short, "m1")))
        {
            await stream.ReadToEndAsync();
        }

        Assert.Equal(
            "a kettle", (await _guest.Http.GetFromJsonAsync<JsonElement>($"/api/threads/{thread}")).GetProperty("title").GetString());
        Assert.Equal(
            "a lamp" + Short, (await _guest.Http.GetFromJsonAsync<JsonElement>($"/api/threads/{other}")).GetProperty("title").GetString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_long_history_is_skipped_over(bool chunked)
    {
        object Message(int n, string role, string text) => new { parts = new object[] { new { type = "text", text } }, id = $"m{n}", role };
        var body = JsonSerializer.Serialize(new
        {
            id = _chat, trigger = "submit-message",
            messages = Enumerable.Range(0, 40).Select(n => Message(n, n % 2 == 0 ? "user" : "assistant", new string('x', 20_000)))
                .Append(Message(40, "user", Short)),
        });

        using (var response = await _guest.PostAsync("/api/chat", body, chunked))
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(Short, (await _guest.MessagesAsync(_chat))[0].GetProperty("content").GetString());
        Assert.Equal(2, (await _guest.MessagesAsync(_chat)).Count);
    }
}

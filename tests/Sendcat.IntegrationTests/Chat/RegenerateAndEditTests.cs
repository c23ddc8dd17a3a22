using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.TestKit.Stores;
using static Sendcat.IntegrationTests.Chat.JsonFields;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Regenerated answers and edited messages, as <c>useChat</c> requests them.</summary>
[Collection(nameof(ChatCollection))]
public sealed class RegenerateAndEditTests(ChatSystemFixture fixture, SharedStores stores) : IAsyncLifetime
{
    private readonly SendcatSystem _sendcat = fixture.System;
    private readonly string _key = Guid.NewGuid().ToString("N");
    private SendcatClient _guest = null!;
    private string _thread = null!;

    public async ValueTask InitializeAsync()
    {
        _guest = await _sendcat.GuestAsync();
        _thread = await _guest.NewThreadAsync();
    }

    public ValueTask DisposeAsync()
    {
        _sendcat.Model.ClearDirections();
        _guest.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("status=503")]
    [InlineData("error-after=0")]
    public async Task An_answer_stays_when_its_replacement_fails_before_its_first_content(string failure)
    {
        await SendAsync("m1", """[[emu text="Old."]]""");
        _sendcat.Model.Direct($"[[emu {failure}]]");

        await using var stream = await RegenerateAsync();
        await stream.ReadToEndAsync();

        Assert.Contains("error", stream.Types);
        Assert.Equal([("user", "completed"), ("assistant", "completed")], await StatusesAsync());
        Assert.Equal("Old.", await LastTextAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_answer_stays_when_its_replacement_is_aborted_before_its_first_content(int replica)
    {
        await SendAsync("m1", """[[emu text="Old."]]""");
        _sendcat.Model.Direct("[[emu hang=before-first]]");
        await using var stream = await RegenerateAsync();
        var start = await stream.ReadUntilAsync("start");

        using var there = _guest.At(_sendcat.Replicas[replica]);
        using var stopped = await there.AbortAsync(_thread, start.GetProperty("messageId").GetString()!);
        await stream.ReadToEndAsync();

        Assert.Equal((HttpStatusCode.NoContent, "abort"), (stopped.StatusCode, stream.Types[^1]));
        Assert.Equal([("user", "completed"), ("assistant", "completed")], await StatusesAsync());
        Assert.Equal("Old.", await LastTextAsync());
    }

    [Fact]
    public async Task All_messages_after_an_earlier_answer_stay_until_its_replacement_has_content()
    {
        await SendAsync("m1", $"""[[emu text="New."]] [[emu times=1 key={_key} text="Old."]]""");
        await SendAsync("m2", """[[emu text="Second."]]""");
        var earlier = (await _guest.MessagesAsync(_thread))[1].GetProperty("id").GetString();
        _sendcat.Model.Direct("[[emu hang=before-first]]");
        await using (var aborted = await RegenerateAsync(earlier))
        {
            await aborted.ReadUntilAsync("start");
            using var stopped = await _guest.AbortLatestAsync(_thread);
            await aborted.ReadToEndAsync();
        }

        Assert.Equal("Second.", await LastTextAsync());
        _sendcat.Model.ClearDirections();
        await using var stream = await RegenerateAsync(earlier);
        await stream.ReadToEndAsync();

        Assert.Equal([("user", "completed"), ("assistant", "completed")], await StatusesAsync());
        Assert.Equal("New.", await LastTextAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_regeneration_ends_the_turn_that_still_runs_and_replaces_its_answer(int replica)
    {
        await using var running = await _guest.PostChatAsync(
            UseChat.Body(_thread, $"""[[emu text="New."]] [[emu times=1 key={_key} chunks=2000 every=25ms]]""", "m1"));
        await running.ReadUntilAsync("text-delta");

        await using var stream = await RegenerateAsync(client: _guest.At(_sendcat.Replicas[replica]));
        await Task.WhenAll(stream.ReadToEndAsync(), running.ReadToEndAsync());

        Assert.Equal(("finish", "abort"), (stream.Types[^1], running.Types[^1]));
        Assert.Equal([("user", "completed"), ("assistant", "completed")], await StatusesAsync());
        Assert.Equal("New.", await LastTextAsync());
    }

    [Fact]
    public async Task A_message_that_arrives_before_the_first_content_of_a_regeneration_stays_and_is_answered()
    {
        var (first, second) =
            ($"""[[emu text="New." first=1s]] [[emu times=1 key={_key} text="Old." first=0]]""", """[[emu text="Second."]]""");
        await SendAsync("m1", first);
        await using var stream = await RegenerateAsync();
        await stream.ReadUntilAsync("start");

        await _guest.AddMessageAsync(_thread, second);
        await stream.ReadToEndAsync();
        await using var next = await _guest.ChatAsync(_thread);
        await next.ReadToEndAsync();

        Assert.Equal(
            [first, "New.", second, "Second."],
            (await _guest.MessagesAsync(_thread)).Select(message => message.GetProperty("content").GetString()));
    }

    [Fact]
    public async Task A_user_message_can_be_named_to_answer_it_again()
    {
        await SendAsync("m1", $"""[[emu text="New."]] [[emu times=1 key={_key} text="Old."]]""");

        await using var stream = await RegenerateAsync("m1");
        await stream.ReadToEndAsync();

        Assert.Equal([("user", "completed"), ("assistant", "completed")], await StatusesAsync());
        Assert.Equal("New.", await LastTextAsync());
    }

    [Fact]
    public async Task A_regeneration_stores_the_message_of_a_request_that_was_refused()
    {
        await using var stream = await _guest.PostChatAsync(new
        {
            id = $"chat_{_key}", trigger = "regenerate-message",
            messages = new object[]
            {
                new { id = "m1", role = "user", parts = new object[] { new { type = "text", text = """[[emu text="Late."]]""" } } },
            },
        });
        await stream.ReadToEndAsync();

        Assert.Equal(HttpStatusCode.OK, stream.Status);
        Assert.Equal(
            ["user", "assistant"], (await _guest.MessagesAsync($"chat_{_key}")).Select(message => message.GetProperty("role").GetString()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_edited_message_is_stored_and_answered_and_what_followed_is_deleted(bool byStoredId)
    {
        await SendAsync("msg-1", """red shoes [[emu text="Red."]]""");
        await SendAsync("msg-2", """[[emu text="Second."]]""");
        await SendAsync("msg-3", """[[emu text="Third."]]""");
        var stored = (await _guest.MessagesAsync(_thread))[0].GetProperty("id").GetString()!;

        await SendAsync(byStoredId ? stored : "msg-1", """blue shoes [[emu text="Blue."]]""", edits: true);

        var messages = await _guest.MessagesAsync(_thread);
        Assert.Equal(
            ["""blue shoes [[emu text="Blue."]]""", "Blue."], messages.Select(message => message.GetProperty("content").GetString()));
        Assert.Equal(stored, messages[0].GetProperty("id").GetString());
    }

    [Fact]
    public async Task An_edit_ends_the_turn_that_still_runs()
    {
        await using var running = await _guest.PostChatAsync(UseChat.Body(_thread, "[[emu chunks=2000 every=25ms]]", "m1"));
        await running.ReadUntilAsync("text-delta");

        await SendAsync("m1", """[[emu text="Edited."]]""", edits: true);
        await running.ReadToEndAsync();

        Assert.Equal([("user", "completed"), ("assistant", "completed")], await StatusesAsync());
        Assert.Equal("Edited.", await LastTextAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_edit_whose_file_is_refused_leaves_the_turn_that_runs(int replica)
    {
        await using var running = await _guest.PostChatAsync(UseChat.Body(_thread, "[[emu chunks=200 every=25ms]]", "m1"));
        await running.ReadUntilAsync("text-delta");
        var noImage = new { type = "file", mediaType = "image/png", url = "data:image/png;base64,PHN2Zz4=" };

        using var there = _guest.At(_sendcat.Replicas[replica]);
        await using var refused = await there.PostChatAsync(
            new { id = _thread, messages = new[] { new { id = "m1", role = "user", parts = new[] { noImage } } } });
        await running.ReadToEndAsync();

        Assert.Equal((HttpStatusCode.UnsupportedMediaType, "finish"), (refused.Status, running.Types[^1]));
        Assert.Equal([("user", "completed"), ("assistant", "completed")], await StatusesAsync());
    }

    [Fact]
    public async Task A_message_older_than_the_history_of_the_model_can_be_edited_and_answered_again()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 1, ("CHAT_HISTORY_MAX_MESSAGES", "2"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync();
        var prompts = new[] { """one [[emu text="1"]]""", """two [[emu text="2"]]""", """three [[emu text="3"]]""" };
        for (var n = 0; n < prompts.Length; n++)
        {
            await using var turn = await guest.PostChatAsync(UseChat.Body(thread, prompts[n], $"m{n}"));
            await turn.ReadToEndAsync();
        }

        await using (var again = await guest.PostChatAsync(
            new { id = thread, trigger = "regenerate-message", messageId = "m1", messages = Array.Empty<object>() }))
        {
            await again.ReadToEndAsync();
        }

        Assert.Equal(4, (await guest.MessagesAsync(thread)).Count);
        await using (var edited = await guest.PostChatAsync(UseChat.Body(thread, """other [[emu text="0"]]""", "m0")))
        {
            await edited.ReadToEndAsync();
        }

        Assert.Equal(
            ["""other [[emu text="0"]]""", "0"],
            (await guest.MessagesAsync(thread)).Select(message => message.GetProperty("content").GetString()));
    }

    [Fact]
    public async Task Regenerating_replaces_the_last_answer()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu chunks=2 every=0]]");
        await using (var first = await guest.ChatAsync(thread))
        {
            await first.ReadToEndAsync();
        }

        var answer = Text((await guest.MessagesAsync(thread))[^1], "id");
        await using var stream = await guest.PostChatAsync(new
        {
            id = thread, trigger = "regenerate-message", messageId = answer, sessionId = guest.SessionId,
            messages = Array.Empty<object>(),
        });
        await stream.ReadToEndAsync();

        var messages = await guest.MessagesAsync(thread);
        Assert.Equal(["user", "assistant"], messages.Select(message => Text(message, "role")));
        Assert.NotEqual(answer, Text(messages[^1], "id"));
    }

    [Fact]
    public async Task A_deleted_answer_ends_its_running_turn_and_stays_deleted()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu chunks=400 every=25ms]]");
        var userMessage = Text((await guest.MessagesAsync(thread))[0], "id");
        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadUntilAsync("content");

        await Eventually.TrueAsync(async () =>
        {
            using var deleted = await guest.Http.DeleteAsync($"/api/threads/{thread}/messages?after={userMessage}");
            return (await deleted.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("deletedCount").GetInt32() == 1;
        });

        await stream.ReadToEndAsync();
        Assert.DoesNotContain("done", stream.Types);
        Assert.Equal(["user"], (await guest.MessagesAsync(thread)).Select(message => Text(message, "role")));
    }

    private async Task SendAsync(string messageId, string text, bool edits = false)
    {
        object body = edits
            ? new
            {
                id = _thread, trigger = "submit-message", messageId,
                messages = new object[] { new { id = messageId, role = "user", parts = new object[] { new { type = "text", text } } } },
            }
            : UseChat.Body(_thread, text, messageId);
        await using var stream = await _guest.PostChatAsync(body);
        await stream.ReadToEndAsync();
        Assert.Equal("finish", stream.Types[^1]);
    }

    private Task<ChatStream> RegenerateAsync(string? messageId = null, SendcatClient? client = null) =>
        (client ?? _guest).PostChatAsync(new { id = _thread, trigger = "regenerate-message", messageId, messages = Array.Empty<object>() });

    private async Task<IEnumerable<(string?, string?)>> StatusesAsync() =>
        (await _guest.MessagesAsync(_thread)).Select(
            message => (message.GetProperty("role").GetString(), message.GetProperty("status").GetString()));

    private async Task<string?> LastTextAsync() => (await _guest.MessagesAsync(_thread))[^1].GetProperty("content").GetString();
}

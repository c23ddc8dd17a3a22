using System.Net;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>What a second tab of a thread is notified of, on the replica of the first one and on another.</summary>
public sealed class ThreadEventsTests(ThreadEventsTests.Fixture fixture) : IClassFixture<ThreadEventsTests.Fixture>
{
    private const string Unread = "[[emu hang=before-first]]";

    private readonly SendcatSystem _sendcat = fixture.System;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_second_tab_is_notified_of_messages_and_turns_on_any_replica(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var tab = guest.At(_sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync("[[emu chunks=2]]");
        await using var events = await EventStream.OpenAsync(tab, thread);
        Assert.Equal("ready", Type(await events.NextAsync()));

        await guest.AddMessageAsync(thread, "[[emu chunks=3]]");
        var message = await events.NextAsync();
        await using var stream = await guest.ChatAsync(thread);
        var start = await stream.ReadUntilAsync("start");
        await stream.ReadToEndAsync();
        var (received, ended) = await events.UntilAsync("turn-ended");

        Assert.Equal(("message", "user", "completed"), (Type(message), Text(message, "role"), Text(message, "status")));
        var messages = await guest.MessagesAsync(thread);
        Assert.Equal(Text(messages[1], "id"), Text(message, "messageId"));
        Assert.Contains(
            received, e => Type(e) == "message" && Text(e, "role") == "assistant" && Text(e, "messageId") == Text(messages[^1], "id"));
        Assert.Equal(
            (Text(start, "streamId"), Text(messages[^1], "id"), "completed"),
            (Text(ended, "streamId"), Text(ended, "messageId"), Text(ended, "status")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_tab_that_comes_back_with_the_id_of_its_last_event_misses_nothing_on_any_replica(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync(Unread);
        string position;
        await using var stream = await guest.ChatAsync(thread);
        await using (var events = await EventStream.OpenAsync(guest, thread))
        {
            await events.UntilAsync("turn-started");
            position = events.LastId;
        }

        using var stopped = await guest.AbortLatestAsync(thread);
        await stream.ReadToEndAsync();
        await guest.AddMessageAsync(thread, "one");
        await guest.AddMessageAsync(thread, "two");

        await using var again = await EventStream.OpenAsync(there, thread, position);
        var missed = new[] { await again.NextAsync(), await again.NextAsync(), await again.NextAsync() };

        Assert.Equal(["message", "message", "turn-ended"], missed.Select(Type));
        Assert.Equal("aborted", Text(missed[2], "status"));
    }

    [Fact]
    public async Task A_turn_that_begins_and_ends_between_two_reads_is_reported_once()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("one");
        string position;
        await using (var events = await EventStream.OpenAsync(guest, thread))
        {
            await events.NextAsync();
            position = events.LastId;
        }

        await guest.AddMessageAsync(thread, "[[emu chunks=2]]");
        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadToEndAsync();
        await using var again = await EventStream.OpenAsync(guest, thread, position);
        var (received, ended) = await again.UntilAsync("turn-ended");
        await guest.AddMessageAsync(thread, "two");
        var next = await again.NextAsync();

        Assert.Equal(["message", "message", "turn-started", "turn-ended"], received.Select(Type));
        Assert.Equal((Text(received[2], "streamId"), "completed"), (Text(ended, "streamId"), Text(ended, "status")));
        Assert.Equal(("message", "user"), (Type(next), Text(next, "role")));
    }

    [Theory]
    [InlineData(true, "completed")]
    [InlineData(false, "removed")]
    public async Task A_tab_that_was_notified_of_a_start_is_notified_of_the_end_although_the_turn_was_edited_away(bool own, string status)
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("one");
        await guest.AddMessageAsync(thread, "[[emu chunks=4 every=100ms]]");
        var messages = await guest.MessagesAsync(thread);
        await using var stream = await guest.ChatAsync(thread);
        string position;
        JsonElement started;
        await using (var events = await EventStream.OpenAsync(guest, thread))
        {
            (_, started) = await events.UntilAsync("turn-started");
            position = events.LastId;
        }

        await stream.ReadToEndAsync();
        // An edit of the message that the turn answers, or of the one before.
        await using (var edit = await guest.PostChatAsync(
            new { threadId = thread, clientId = Text(messages[own ? 1 : 0], "id"), message = "[[emu chunks=1]]" }))
        {
            await edit.ReadToEndAsync();
        }

        await using var again = await EventStream.OpenAsync(guest, thread, position);
        var ends = new List<JsonElement>();
        while (ends.Count < 2)
        {
            ends.Add((await again.UntilAsync("turn-ended")).Last);
        }

        var end = Assert.Single(ends, e => Text(e, "streamId") == Text(started, "streamId"));
        Assert.Equal(status, Text(end, "status"));
    }

    [Fact]
    public async Task A_removed_message_is_reported_as_a_list_that_has_to_be_read_again()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("one");
        var first = Text((await guest.MessagesAsync(thread))[0], "id");
        await guest.AddMessageAsync(thread, "two");
        await using var events = await EventStream.OpenAsync(guest, thread);
        Assert.Equal("ready", Type(await events.NextAsync()));

        using var deleted = await guest.Http.DeleteAsync($"/api/threads/{thread}/messages?after={first}");

        Assert.Equal("messages-changed", Type(await events.NextAsync()));
    }

    [Fact]
    public async Task A_deleted_thread_is_the_last_event_and_a_foreign_one_is_403()
    {
        using var guest = await _sendcat.GuestAsync();
        using var other = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("one");
        await using var events = await EventStream.OpenAsync(guest, thread);
        Assert.Equal("ready", Type(await events.NextAsync()));

        using var foreign = await other.Http.GetAsync($"/api/threads/{thread}/events");
        using var deleted = await guest.Http.DeleteAsync($"/api/threads/{thread}");

        await foreign.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        Assert.Equal("closed", Type(await events.NextAsync()));
        Assert.True(await events.HasEndedAsync());
    }

    [Fact]
    public async Task The_event_streams_of_a_principal_are_bounded_and_one_that_ends_makes_room()
    {
        using var guest = await _sendcat.GuestAsync();
        using var other = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("one");
        await using var first = await EventStream.OpenAsync(guest, thread);
        await using var second = await EventStream.OpenAsync(guest, thread);

        using var refused = await guest.Http.GetAsync($"/api/threads/{thread}/events", HttpCompletionOption.ResponseHeadersRead);
        await refused.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "thread_event_readers");
        await using var others = await EventStream.OpenAsync(other, await other.NewThreadAsync("one"));

        await second.DisposeAsync();
        // The server notices a closed connection without a signal to the client.
        await Eventually.TrueAsync(async () =>
        {
            using var admitted = await guest.Http.GetAsync($"/api/threads/{thread}/events", HttpCompletionOption.ResponseHeadersRead);
            return admitted.StatusCode == HttpStatusCode.OK;
        });
    }

    private static string Type(JsonElement chatEvent) => chatEvent.GetProperty("type").GetString()!;

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    public sealed class Fixture(SharedStores stores) : IAsyncLifetime
    {
        internal SendcatSystem System { get; private set; } = null!;

        public async ValueTask InitializeAsync() =>
            System = await SendcatSystem.StartAsync(stores, replicas: 2, ("THREAD_EVENTS_PER_PRINCIPAL", "2"));

        public ValueTask DisposeAsync() => System.DisposeAsync();
    }

    /// <summary>An open event stream. Reads may take 60 s; then they throw.</summary>
    private sealed class EventStream : IAsyncDisposable
    {
        private readonly HttpResponseMessage _response;
        private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(60));
        private readonly IAsyncEnumerator<SseItem<string>> _items;

        private EventStream(HttpResponseMessage response, Stream stream)
        {
            _response = response;
            _items = SseParser.Create(stream, (_, data) => Encoding.UTF8.GetString(data)).EnumerateAsync(_timeout.Token)
                .GetAsyncEnumerator();
        }

        /// <summary>The id of the last event.</summary>
        public string LastId => _items.Current.EventId!;

        /// <param name="position">The id of the last event that the tab has; null: it has none.</param>
        public static async Task<EventStream> OpenAsync(SendcatClient tab, string thread, string? position = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/threads/{thread}/events");
            if (position is not null)
            {
                request.Headers.Add("Last-Event-ID", position);
            }

            var response = await tab.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return new(response, await response.Content.ReadAsStreamAsync());
        }

        public async Task<JsonElement> NextAsync() =>
            await _items.MoveNextAsync()
                ? JsonDocument.Parse(_items.Current.Data).RootElement
                : throw new InvalidOperationException("The stream ended.");

        public async Task<bool> HasEndedAsync() => !await _items.MoveNextAsync();

        /// <summary>Reads up to and including the next event of this type.</summary>
        public async Task<(IReadOnlyList<JsonElement> Before, JsonElement Last)> UntilAsync(string type)
        {
            var received = new List<JsonElement>();
            do
            {
                received.Add(await NextAsync());
            }
            while (Type(received[^1]) != type);

            return (received, received[^1]);
        }

        public ValueTask DisposeAsync()
        {
            _response.Dispose();
            _timeout.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

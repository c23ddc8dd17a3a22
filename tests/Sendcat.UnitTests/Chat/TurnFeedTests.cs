using CsCheck;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Chat.Streaming;

namespace Sendcat.UnitTests.Chat;

public sealed class TurnFeedTests
{
    [Fact]
    public void A_late_reader_gets_everything_from_the_first_event()
    {
        var feed = new TurnFeed();
        feed.Append(Start());
        feed.Append(new ChatEvent.Content("Hel"));
        feed.Append(new ChatEvent.Content("lo"));
        feed.Append(new ChatEvent.Done("stop"));
        feed.Complete();

        var events = ReadAll(feed.Open());

        Assert.Collection(
            events,
            e => Assert.IsType<ChatEvent.Start>(e),
            e => Assert.Equal("Hello", Assert.IsType<ChatEvent.Content>(e).Text),
            e => Assert.IsType<ChatEvent.Done>(e));
    }

    [Fact]
    public void A_reader_that_keeps_up_gets_every_delta_separately()
    {
        var feed = new TurnFeed();
        var reader = feed.Open();
        feed.Append(new ChatEvent.Content("a"));
        Assert.Equal(FeedRead.Event, reader.TryRead(out var first));
        feed.Append(new ChatEvent.Content("b"));
        Assert.Equal(FeedRead.Event, reader.TryRead(out var second));

        Assert.Equal(["a", "b"], [Assert.IsType<ChatEvent.Content>(first).Text, Assert.IsType<ChatEvent.Content>(second).Text]);
        Assert.Equal(FeedRead.Nothing, reader.TryRead(out _));
    }

    [Fact]
    public void Deltas_of_different_tool_calls_are_not_merged()
    {
        var feed = new TurnFeed();
        feed.Append(new ChatEvent.ToolInputDelta("one", "{\"a\""));
        feed.Append(new ChatEvent.ToolInputDelta("two", "{"));
        feed.Append(new ChatEvent.ToolInputDelta("one", ":1}"));
        feed.Complete();

        var deltas = ReadAll(feed.Open()).Cast<ChatEvent.ToolInputDelta>().Select(delta => (delta.ToolCallId, delta.Delta));

        Assert.Equal([("one", "{\"a\""), ("two", "{"), ("one", ":1}")], deltas);
    }

    [Fact]
    public async Task A_waiting_reader_is_woken_by_the_next_event()
    {
        var feed = new TurnFeed();
        var reader = feed.Open();
        Assert.Equal(FeedRead.Nothing, reader.TryRead(out _));

        var waiting = reader.WaitAsync();
        Assert.False(waiting.IsCompleted);
        feed.Append(Start());

        await waiting;
        Assert.Equal(FeedRead.Event, reader.TryRead(out _));
    }

    [Fact]
    public async Task An_event_between_read_and_wait_is_not_missed()
    {
        var feed = new TurnFeed();
        var reader = feed.Open();
        Assert.Equal(FeedRead.Nothing, reader.TryRead(out _));
        feed.Append(Start());

        var waiting = reader.WaitAsync();

        Assert.True(waiting.IsCompletedSuccessfully);
        await waiting;
    }

    [Fact]
    public async Task A_batch_of_events_wakes_a_waiting_reader_once_and_keeps_its_order()
    {
        var feed = new TurnFeed();
        var reader = feed.Open();
        var waiting = reader.WaitAsync();

        feed.Add(new ChatEvent.Content("a"));
        feed.Add(new ChatEvent.Content("b"));
        feed.Add(new ChatEvent.Reasoning("c"));
        Assert.False(waiting.IsCompleted);
        feed.Notify();

        await waiting;
        Assert.Equal([new ChatEvent.Content("a"), new ChatEvent.Content("b"), new ChatEvent.Reasoning("c")], ReadAll(reader));
        Assert.False(reader.WaitAsync().IsCompleted);
    }

    [Fact]
    public async Task Events_that_the_provider_sent_together_wake_the_readers_once()
    {
        var feed = new TurnFeed();
        var next = new TaskCompletionSource();
        var reading = LiveTurns.ReadAsync(EventsAsync(together: 20, next.Task), feed);
        var reader = feed.Open();
        Assert.Equal(20, ReadAll(reader).Count);
        var waiting = reader.WaitAsync();

        next.SetResult();

        await reading;
        Assert.False(waiting.IsCompleted);
        feed.Notify();
        await waiting;
        Assert.Equal(20, ReadAll(reader).Count);
        Assert.False(reader.WaitAsync().IsCompleted);
    }

    [Fact]
    public async Task A_producer_that_never_pauses_notifies_readers_after_64_events()
    {
        var feed = new TurnFeed();
        var reader = feed.Open();
        var waiting = reader.WaitAsync();

        for (var n = 0; n < 63; n++)
        {
            feed.Add(new ChatEvent.Content("x"));
        }

        Assert.False(waiting.IsCompleted);
        feed.Add(new ChatEvent.Content("x"));

        await waiting;
        Assert.Equal(64, ReadAll(reader).Count);
    }

    [Fact]
    public void Readers_at_any_pace_get_every_event_once_and_in_order() =>
        Gen.Select(
            Gen.OneOf<ChatEvent>(
                Gen.String[0, 5].Select(text => (ChatEvent)new ChatEvent.Content(text)),
                Gen.String[0, 5].Select(text => (ChatEvent)new ChatEvent.Reasoning(text)),
                Gen.Select(Gen.OneOf(Gen.Const("x"), Gen.Const("y")), Gen.String[0, 3])
                    .Select(t => (ChatEvent)new ChatEvent.ToolInputDelta(t.Item1, t.Item2)),
                Gen.Int[0, 9].Select(step => (ChatEvent)new ChatEvent.Start("m", "s", "t", default, step))).Array[0, 40],
            Gen.Bool.Array[40],
            Gen.Bool.Array[40])
            .Sample((appended, reads, notifies) =>
            {
                var feed = new TurnFeed();
                var reader = feed.Open();
                var received = new List<ChatEvent>();
                for (var i = 0; i < appended.Length; i++)
                {
                    feed.Add(appended[i]);
                    if (notifies[i])
                    {
                        feed.Notify();
                    }

                    while (reads[i] && reader.TryRead(out var next) == FeedRead.Event)
                    {
                        received.Add(next!);
                    }
                }

                feed.Complete();
                received.AddRange(ReadAll(reader));
                Assert.Equal(Merged(appended), Merged(received));
                Assert.Equal(Merged(appended), Merged(ReadAll(feed.Open())));
            });

    /// <summary>Events that are available together, and as many after a task.</summary>
    private static async IAsyncEnumerable<ChatEvent> EventsAsync(int together, Task next)
    {
        for (var n = 0; n < 2 * together; n++)
        {
            if (n == together)
            {
                await next;
            }

            yield return new ChatEvent.Content("x");
        }
    }

    private static List<string> Merged(IEnumerable<ChatEvent> events)
    {
        var merged = new List<(string Key, string Text)>();
        foreach (var e in events)
        {
            var (key, text) = e switch
            {
                ChatEvent.Content c => ("content", c.Text),
                ChatEvent.Reasoning r => ("reasoning", r.Text),
                ChatEvent.ToolInputDelta d => ("tool " + d.ToolCallId, d.Delta),
                _ => (e.ToString(), ""),
            };
            if (e is not ChatEvent.Start && merged.Count > 0 && merged[^1].Key == key)
            {
                merged[^1] = (key, merged[^1].Text + text);
            }
            else
            {
                merged.Add((key!, text));
            }
        }

        // Empty deltas are ignored because a reader may or may not get them.
        // The entries around an empty delta merge if they have the same key.
        return [
            .. merged.Where(entry => entry.Text.Length > 0 || entry.Key.StartsWith("Start", StringComparison.Ordinal)).Aggregate(
                new List<(string Key, string Text)>(), (list, entry) =>
                {
                    if (list.Count > 0 && list[^1].Key == entry.Key && !entry.Key.StartsWith("Start", StringComparison.Ordinal))
                    {
                        list[^1] = (entry.Key, list[^1].Text + entry.Text);
                    }
                    else
                    {
                        list.Add(entry);
                    }

                    return list;
                }).Select(entry => $"{entry.Key}: {entry.Text}")];
    }

    private static List<ChatEvent> ReadAll(FeedReader reader)
    {
        var events = new List<ChatEvent>();
        while (reader.TryRead(out var next) == FeedRead.Event)
        {
            events.Add(next!);
        }

        return events;
    }

    private static ChatEvent.Start Start() => new("m", "STREAM:s", "t", default, 0);
}

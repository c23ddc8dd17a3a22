using CsCheck;
using Sendcat.ApiService.Chat;

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
    public void A_reader_that_keeps_up_sees_every_delta_as_it_came()
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
    public void Deltas_of_different_tool_calls_are_not_mixed()
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
    public async Task An_event_between_reading_and_waiting_is_not_slept_through()
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
    public async Task Events_added_together_wake_a_reader_once_and_are_read_as_they_came()
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
    public async Task A_producer_that_never_pauses_is_heard_after_64_events()
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
    public void Readers_at_any_pace_read_the_same_turn_without_gap_or_repeat() =>
        Gen.Select(
            Gen.OneOf<ChatEvent>(
                Gen.String[0, 5].Select(text => (ChatEvent)new ChatEvent.Content(text)),
                Gen.String[0, 5].Select(text => (ChatEvent)new ChatEvent.Reasoning(text)),
                Gen.Select(Gen.OneOf(Gen.Const("x"), Gen.Const("y")), Gen.String[0, 3]).Select(t => (ChatEvent)new ChatEvent.ToolInputDelta(t.Item1, t.Item2)),
                Gen.Int[0, 9].Select(step => (ChatEvent)new ChatEvent.Start("m", "s", "t", default, step))).Array[0, 40],
            Gen.Bool.Array[40],
            Gen.Bool.Array[40])
            .Sample((happened, reads, notifies) =>
            {
                var feed = new TurnFeed();
                var reader = feed.Open();
                var seen = new List<ChatEvent>();
                for (var i = 0; i < happened.Length; i++)
                {
                    feed.Add(happened[i]);
                    if (notifies[i])
                    {
                        feed.Notify();
                    }

                    while (reads[i] && reader.TryRead(out var next) == FeedRead.Event)
                    {
                        seen.Add(next!);
                    }
                }

                feed.Complete();
                seen.AddRange(ReadAll(reader));
                Assert.Equal(Merged(happened), Merged(seen));
                Assert.Equal(Merged(happened), Merged(ReadAll(feed.Open())));
            });

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

        // A delta without text says nothing, whether it is told or not; what it separated still is separate by kind.
        return [.. merged.Where(entry => entry.Text.Length > 0 || entry.Key.StartsWith("Start", StringComparison.Ordinal)).Aggregate(new List<(string Key, string Text)>(), (list, entry) =>
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

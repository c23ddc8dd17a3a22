using CsCheck;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Chat.Streaming;

namespace Sendcat.UnitTests.Chat;

public sealed class RemoteFeedTests
{
    private static readonly Gen<ChatEvent[]> Turns = Gen.OneOf<ChatEvent>(
        Gen.String[1, 9].Select(text => (ChatEvent)new ChatEvent.Content(text)),
        Gen.String[1, 9].Select(text => (ChatEvent)new ChatEvent.Reasoning(text)),
        Gen.Select(Gen.OneOf(Gen.Const("x"), Gen.Const("y")), Gen.String[1, 9])
            .Select(t => (ChatEvent)new ChatEvent.ToolInputDelta(t.Item1, t.Item2)),
        Gen.Int[0, 9].Select(step => (ChatEvent)new ChatEvent.Start("m", "s", "t", default, step))).Array[1, 30];

    [Fact]
    public void A_mirror_that_is_written_again_with_other_deltas_continues_where_the_lost_one_ended() =>
        Gen.Select(Turns, Gen.Int[0, 30], Gen.Int[1, 5])
            .Sample((events, read, length) =>
            {
                using var feed = new RemoteFeed(Guid.NewGuid(), TimeProvider.System);
                var lost = Entries(1, events);
                foreach (var entry in lost.Take(read))
                {
                    Assert.True(feed.TryAdd(entry));
                }

                foreach (var entry in Entries(2, events.SelectMany(chatEvent => Pieces(chatEvent, length))))
                {
                    Assert.True(feed.TryAdd(entry));
                }

                Assert.Equal(Whole(events), Whole(ReadAll(feed.Feed)));
            });

    [Fact]
    public void A_missing_entry_is_reported_and_nothing_behind_it_is_added() =>
        Gen.Select(Turns.Where(events => events.Length > 1), Gen.Int[0, 28])
            .Sample((events, number) =>
            {
                using var feed = new RemoteFeed(Guid.NewGuid(), TimeProvider.System);
                var entries = Entries(1, events);
                var missing = number % (events.Length - 1);

                var added = entries.Where((_, n) => n != missing).TakeWhile(feed.TryAdd).Count();

                Assert.Equal(missing, added);
                Assert.Equal(Whole(events.Take(missing)), Whole(ReadAll(feed.Feed)));
            });

    [Fact]
    public void The_id_of_an_entry_is_its_epoch_and_position()
    {
        var entry = new MirrorEntry(3, 70, new ChatEvent.Content("four"));

        Assert.Equal("3-70", entry.Id);
        Assert.Equal(74, entry.End);
        Assert.Equal(entry, MirrorEntry.Parse(entry.Id, entry.Event));
        Assert.Throws<FormatException>(() => MirrorEntry.Parse("3", entry.Event));
    }

    private static List<MirrorEntry> Entries(long epoch, IEnumerable<ChatEvent> events)
    {
        var entries = new List<MirrorEntry>();
        foreach (var chatEvent in events)
        {
            entries.Add(new(epoch, entries.Count == 0 ? 0 : entries[^1].End, chatEvent));
        }

        return entries;
    }

    private static IEnumerable<ChatEvent> Pieces(ChatEvent chatEvent, int length) =>
        chatEvent.DeltaText is { } text ? text.Chunk(length).Select(piece => chatEvent.WithDeltaText(new string(piece))) : [chatEvent];

    /// <summary>The events character by character, so that it does not matter how deltas are split.</summary>
    private static List<ChatEvent> Whole(IEnumerable<ChatEvent> events) => [.. events.SelectMany(chatEvent => Pieces(chatEvent, 1))];

    private static List<ChatEvent> ReadAll(TurnFeed feed)
    {
        feed.Complete();
        using var reader = feed.Open();
        var events = new List<ChatEvent>();
        while (reader.TryRead(out var chatEvent) == FeedRead.Event)
        {
            events.Add(chatEvent!);
        }

        return events;
    }
}

using Sendcat.ApiService.Threads.Events;

namespace Sendcat.UnitTests.Threads;

/// <summary>What a reader of a thread is notified of when the turns were read later than the messages.</summary>
public sealed class ThreadChangesTests
{
    private static readonly Guid Turn = new("00000000-0000-0000-0000-000000000001");
    private static readonly Guid Answer = new("00000000-0000-0000-0000-000000000002");

    private static readonly ThreadChanges.MessageRow AnswerRow = new(2, new(Answer, "assistant", "streaming", null, DateTime.UnixEpoch));

    [Theory]
    [InlineData("streaming", "turn-started")]
    [InlineData("completed", "turn-started turn-ended")]
    public void A_new_turn_is_reported_after_its_message(string status, string expected)
    {
        var before = new ThreadPosition(1, 1, []);
        var torn = ThreadChanges.Since(before, known: 1, [], [new(Turn, Answer, status, 2)]);
        var whole = ThreadChanges.Since(before, known: 1, [AnswerRow], [new(Turn, Answer, status, 2)]);

        Assert.Empty(torn);
        Assert.Equal($"message {expected}", Types(whole));
    }

    [Fact]
    public void The_end_of_a_turn_is_reported_after_its_last_message()
    {
        var during = new ThreadPosition(1, 1, [Turn]);
        var torn = ThreadChanges.Since(during, known: 1, [], [new(Turn, Answer, "completed", 2)]);
        var whole = ThreadChanges.Since(during, known: 1, [AnswerRow], [new(Turn, Answer, "completed", 2)]);

        Assert.Empty(torn);
        Assert.Equal("message turn-ended", Types(whole));
    }

    [Fact]
    public void The_end_of_a_turn_without_a_message_is_reported() => Assert.Equal(
        "turn-ended", Types(ThreadChanges.Since(new(1, 1, [Turn]), known: 1, [], [new(Turn, Answer, "aborted", null)])));

    [Theory]
    [InlineData(1, "MessagesChanged turn-ended")]
    [InlineData(0, "MessagesChanged turn-ended")]
    public void The_end_of_a_turn_that_was_deleted_with_its_messages_is_reported_as_removed(int known, string expected)
    {
        var changes = ThreadChanges.Since(new(1, 1, [Turn]), known, [], []);

        Assert.Equal(expected, Types(changes));
        Assert.Equal(new ThreadEvent.TurnEnded($"STREAM:{Turn}", null, "removed"), changes[^1].Event);
        Assert.Empty(changes[^1].Position.Turns);
    }

    private static string Types(IReadOnlyList<(ThreadEvent Event, ThreadPosition Position)> events) =>
        string.Join(' ', events.Select(change => change.Event switch
        {
            ThreadEvent.Message => "message",
            ThreadEvent.TurnStarted => "turn-started",
            ThreadEvent.TurnEnded => "turn-ended",
            _ => change.Event.GetType().Name,
        }));
}

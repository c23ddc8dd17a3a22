using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Replicas;

namespace Sendcat.UnitTests.Chat;

public sealed class LiveTurnTests : IDisposable
{
    private static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider time = new();
    private readonly List<string> notifications = [];
    private readonly LiveTurn turn;
    private bool hasGracePeriod = true;

    public LiveTurnTests()
    {
        var now = time.GetUtcNow();
        var start = new TurnStart(Guid.NewGuid(), Guid.NewGuid(), "user:a", null, false, true, now);
        turn = new LiveTurn(start, new TurnRecord(start.StreamId, start.ThreadId, Guid.NewGuid(), start.Principal, null, now), usesUiDialect: false, OnLastReaderLeft, _ => notifications.Add("back"));
    }

    public void Dispose() => turn.Dispose();

    [Fact]
    public void The_requesting_client_is_the_first_reader_and_its_leave_can_be_the_last()
    {
        turn.EndIfUnread();
        Assert.Null(turn.Ending);

        turn.InitialReader.Dispose();
        Assert.Equal(["left"], notifications);
    }

    [Fact]
    public void An_unread_turn_ends_at_once_when_it_is_superseded()
    {
        turn.InitialReader.Dispose();

        turn.Supersede();

        Assert.Equal(TurnEnding.Superseded, turn.Ending);
        Assert.True(turn.Stopping.IsCancellationRequested);
    }

    [Fact]
    public void A_superseded_turn_ends_without_a_grace_period_when_its_last_reader_leaves()
    {
        turn.Supersede();
        Assert.Null(turn.Ending);

        turn.InitialReader.Dispose();

        Assert.Equal(TurnEnding.Superseded, turn.Ending);
        Assert.Empty(notifications);
    }

    [Fact]
    public void A_turn_ends_when_no_reader_joins_within_the_grace_period()
    {
        turn.InitialReader.Dispose();
        time.Advance(GracePeriod - TimeSpan.FromMilliseconds(1));
        var reader = turn.Join();
        time.Advance(GracePeriod * 2);
        Assert.Null(turn.Ending);

        reader.Dispose();
        time.Advance(GracePeriod);
        Assert.Equal(TurnEnding.ClientGone, turn.Ending);
        Assert.Equal(["left", "back", "left"], notifications);
    }

    [Fact]
    public void Concurrent_joins_and_leaves_notify_in_strict_alternation()
    {
        for (var round = 0; round < 200; round++)
        {
            Parallel.For(0, 4, _ => turn.Join().Dispose());
        }

        // None of them was the last reader because the initial reader was still connected.
        Assert.Empty(notifications);
        turn.InitialReader.Dispose();
        Parallel.For(0, 2_000, _ => turn.Join().Dispose());
        for (var i = 0; i < notifications.Count; i++)
        {
            Assert.Equal(i % 2 == 0 ? "left" : "back", notifications[i]);
        }

        Assert.Equal("left", notifications[^1]);
        time.Advance(GracePeriod);
        Assert.Equal(TurnEnding.ClientGone, turn.Ending);
    }

    [Fact]
    public void An_ended_turn_starts_no_grace_period()
    {
        turn.InitialReader.Dispose();
        var late = turn.Join();
        turn.MarkEnded();
        late.Dispose();
        time.Advance(GracePeriod * 2);

        Assert.Equal(["left", "back"], notifications);
        Assert.Null(turn.Ending);
    }

    [Fact]
    public void Without_a_grace_period_the_turn_ends_when_the_last_reader_leaves()
    {
        hasGracePeriod = false;

        turn.InitialReader.Dispose();

        Assert.Equal(TurnEnding.ClientGone, turn.Ending);
    }

    [Fact]
    public void Ending_a_disposed_turn_has_no_effect()
    {
        turn.Dispose();

        turn.End(TurnEnding.TimeLimit);

        Assert.True(turn.Ended.IsCompleted);
    }

    private ITimer? OnLastReaderLeft(LiveTurn liveTurn)
    {
        notifications.Add("left");
        return hasGracePeriod ? time.CreateTimer(_ => liveTurn.EndIfUnread(), null, GracePeriod, Timeout.InfiniteTimeSpan) : null;
    }
}

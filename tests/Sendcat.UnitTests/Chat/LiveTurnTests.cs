using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Chat;

namespace Sendcat.UnitTests.Chat;

public sealed class LiveTurnTests : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider time = new();
    private readonly List<string> told = [];
    private readonly LiveTurn turn;
    private bool patient = true;

    public LiveTurnTests()
    {
        var now = time.GetUtcNow();
        var start = new TurnStart(Guid.NewGuid(), Guid.NewGuid(), "user:a", null, false, true, now);
        turn = new LiveTurn(start, new TurnRecord(start.StreamId, start.ThreadId, Guid.NewGuid(), start.Principal, null, now), usesUiDialect: false, Left, _ => told.Add("back"));
    }

    public void Dispose() => turn.Dispose();

    [Fact]
    public void The_one_who_asked_is_a_reader_from_the_beginning_and_his_leaving_is_that_of_the_last()
    {
        turn.EndIfUnread();
        Assert.Null(turn.Ending);

        turn.InitialReader.Dispose();
        Assert.Equal(["left"], told);
    }

    [Fact]
    public void A_turn_that_nobody_reads_makes_room_at_once()
    {
        turn.InitialReader.Dispose();

        turn.Supersede();

        Assert.Equal(TurnEnding.Superseded, turn.Ending);
        Assert.True(turn.Stopping.IsCancellationRequested);
    }

    [Fact]
    public void A_turn_that_somebody_reads_makes_room_when_he_leaves_and_waits_for_nobody()
    {
        turn.Supersede();
        Assert.Null(turn.Ending);

        turn.InitialReader.Dispose();

        Assert.Equal(TurnEnding.Superseded, turn.Ending);
        Assert.Empty(told);
    }

    [Fact]
    public void A_reader_that_comes_back_in_time_saves_the_turn_and_one_that_does_not_loses_it()
    {
        turn.InitialReader.Dispose();
        time.Advance(Grace - TimeSpan.FromMilliseconds(1));
        var seat = turn.Join();
        time.Advance(Grace * 2);
        Assert.Null(turn.Ending);

        seat.Dispose();
        time.Advance(Grace);
        Assert.Equal(TurnEnding.ClientGone, turn.Ending);
        Assert.Equal(["left", "back", "left"], told);
    }

    [Fact]
    public void Readers_that_come_and_go_at_once_leave_the_turn_as_the_last_of_them_did()
    {
        for (var round = 0; round < 200; round++)
        {
            Parallel.For(0, 4, _ => turn.Join().Dispose());
        }

        // While the one who asked was there none of them was the last.
        Assert.Empty(told);
        turn.InitialReader.Dispose();
        Parallel.For(0, 2_000, _ => turn.Join().Dispose());
        for (var i = 0; i < told.Count; i++)
        {
            Assert.Equal(i % 2 == 0 ? "left" : "back", told[i]);
        }

        Assert.Equal("left", told[^1]);
        time.Advance(Grace);
        Assert.Equal(TurnEnding.ClientGone, turn.Ending);
    }

    [Fact]
    public void A_turn_that_is_over_waits_for_nobody()
    {
        turn.InitialReader.Dispose();
        var late = turn.Join();
        turn.MarkEnded();
        late.Dispose();
        time.Advance(Grace * 2);

        Assert.Equal(["left", "back"], told);
        Assert.Null(turn.Ending);
    }

    [Fact]
    public void Without_a_grace_the_last_reader_ends_the_turn()
    {
        patient = false;

        turn.InitialReader.Dispose();

        Assert.Equal(TurnEnding.ClientGone, turn.Ending);
    }

    [Fact]
    public void An_ending_that_comes_as_the_turn_is_put_away_changes_nothing()
    {
        turn.Dispose();

        turn.End(TurnEnding.TimeLimit);

        Assert.True(turn.Ended.IsCompleted);
    }

    private ITimer? Left(LiveTurn left)
    {
        told.Add("left");
        return patient ? time.CreateTimer(_ => left.EndIfUnread(), null, Grace, Timeout.InfiniteTimeSpan) : null;
    }
}

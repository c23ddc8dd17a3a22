using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Replicas;

namespace Sendcat.UnitTests.Chat;

public sealed class LiveTurnTests : IDisposable
{
    private static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _notifications = [];
    private readonly LiveTurn _turn;
    private bool _hasGracePeriod = true;

    public LiveTurnTests()
    {
        var now = _time.GetUtcNow();
        var start = new TurnStart(Guid.NewGuid(), Guid.NewGuid(), "user:a", null, false, "primary", now)
        {
            AcceptedAt = _time.GetTimestamp(),
        };
        _turn = new LiveTurn(
            start, new TurnRecord(start.StreamId, start.ThreadId, Guid.NewGuid(), start.Principal, null, now), usesUiDialect: false,
            OnLastReaderLeft, _ => _notifications.Add("back"));
    }

    public void Dispose() => _turn.Dispose();

    [Fact]
    public void The_requesting_client_is_the_first_reader_and_its_leave_can_be_the_last()
    {
        _turn.EndIfUnread();
        Assert.Null(_turn.Ending);

        _turn.InitialReader.Dispose();
        Assert.Equal(["left"], _notifications);
    }

    [Fact]
    public void An_unread_turn_ends_at_once_when_it_is_superseded()
    {
        _turn.InitialReader.Dispose();

        _turn.Supersede();

        Assert.Equal(TurnEnding.Superseded, _turn.Ending);
        Assert.True(_turn.Stopping.IsCancellationRequested);
    }

    [Fact]
    public void A_superseded_turn_ends_without_a_grace_period_when_its_last_reader_leaves()
    {
        _turn.Supersede();
        Assert.Null(_turn.Ending);

        _turn.InitialReader.Dispose();

        Assert.Equal(TurnEnding.Superseded, _turn.Ending);
        Assert.Empty(_notifications);
    }

    [Fact]
    public void A_turn_ends_when_no_reader_joins_within_the_grace_period()
    {
        _turn.InitialReader.Dispose();
        _time.Advance(GracePeriod - TimeSpan.FromMilliseconds(1));
        var reader = _turn.Join();
        _time.Advance(GracePeriod * 2);
        Assert.Null(_turn.Ending);

        reader.Dispose();
        _time.Advance(GracePeriod);
        Assert.Equal(TurnEnding.ClientGone, _turn.Ending);
        Assert.Equal(["left", "back", "left"], _notifications);
    }

    [Fact]
    public void Concurrent_joins_and_leaves_notify_in_strict_alternation()
    {
        for (var round = 0; round < 200; round++)
        {
            Parallel.For(0, 4, _ => _turn.Join().Dispose());
        }

        // None of them was the last reader because the initial reader was still connected.
        Assert.Empty(_notifications);
        _turn.InitialReader.Dispose();
        Parallel.For(0, 2_000, _ => _turn.Join().Dispose());
        for (var i = 0; i < _notifications.Count; i++)
        {
            Assert.Equal(i % 2 == 0 ? "left" : "back", _notifications[i]);
        }

        Assert.Equal("left", _notifications[^1]);
        _time.Advance(GracePeriod);
        Assert.Equal(TurnEnding.ClientGone, _turn.Ending);
    }

    [Fact]
    public void An_ended_turn_starts_no_grace_period()
    {
        _turn.InitialReader.Dispose();
        var late = _turn.Join();
        _turn.MarkEnded();
        late.Dispose();
        _time.Advance(GracePeriod * 2);

        Assert.Equal(["left", "back"], _notifications);
        Assert.Null(_turn.Ending);
    }

    [Fact]
    public void Without_a_grace_period_the_turn_ends_when_the_last_reader_leaves()
    {
        _hasGracePeriod = false;

        _turn.InitialReader.Dispose();

        Assert.Equal(TurnEnding.ClientGone, _turn.Ending);
    }

    [Fact]
    public void Ending_a_disposed_turn_has_no_effect()
    {
        _turn.Dispose();

        _turn.End(TurnEnding.TimeLimit);

        Assert.True(_turn.Ended.IsCompleted);
    }

    private ITimer? OnLastReaderLeft(LiveTurn liveTurn)
    {
        _notifications.Add("left");
        return _hasGracePeriod ? _time.CreateTimer(_ => liveTurn.EndIfUnread(), null, GracePeriod, Timeout.InfiniteTimeSpan) : null;
    }
}

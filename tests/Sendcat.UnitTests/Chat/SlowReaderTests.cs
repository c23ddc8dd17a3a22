using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.UnitTests.Providers;

namespace Sendcat.UnitTests.Chat;

public sealed class SlowReaderTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly TurnFeed _feed = new();
    private readonly KeepAliveTicker _ticker;
    private int _disconnects;

    public SlowReaderTests() =>
        _ticker = new KeepAliveTicker(
            new Fixed<ChatOptions>(new() { WriteTimeoutMs = 15_000 }), _time, NullLogger<KeepAliveTicker>.Instance);

    [Fact]
    public void A_reader_whose_flush_is_blocked_for_the_write_timeout_is_disconnected_once()
    {
        using var stream = Watch();
        stream.FlushBlocked();

        Advance(14);
        Assert.Equal(0, _disconnects);
        Advance(2);
        Assert.Equal(1, _disconnects);
        Advance(60);
        Assert.Equal(1, _disconnects);
    }

    [Fact]
    public void A_reader_that_completes_each_flush_in_time_stays_connected()
    {
        using var stream = Watch();
        for (var n = 0; n < 20; n++)
        {
            stream.FlushBlocked();
            Advance(10);
            stream.FlushCompleted();
        }

        Advance(100);
        Assert.Equal(0, _disconnects);
    }

    [Fact]
    public void A_slow_reader_is_disconnected_long_after_its_turn_ended()
    {
        using var stream = Watch();
        _feed.Complete();
        for (var n = 0; n < 29; n++)
        {
            stream.FlushBlocked();
            Advance(10);
            stream.FlushCompleted();
        }

        Assert.Equal(0, _disconnects);
        stream.FlushBlocked();
        Advance(14);
        stream.FlushCompleted();
        stream.FlushBlocked();
        Advance(2);
        Assert.Equal(1, _disconnects);
    }

    [Fact]
    public void A_late_reader_gets_long_text_in_bounded_deltas()
    {
        var text = string.Concat(Enumerable.Range(0, 20_000).Select(n => n % 3 == 0 ? "\ud83d\ude00" : "x"));
        _feed.Append(new ChatEvent.Content(text[..12_001]));
        _feed.Append(new ChatEvent.Content(text[12_001..]));
        var reader = _feed.Open();
        var pieces = new List<string>();
        while (reader.TryRead(out var next) == FeedRead.Event)
        {
            pieces.Add(((ChatEvent.Content)next!).Text);
        }

        Assert.Equal(text, string.Concat(pieces));
        Assert.All(pieces, piece => Assert.InRange(piece.Length, 1, TurnFeed.MaxDeltaLength));
        Assert.All(pieces, piece => Assert.False(char.IsHighSurrogate(piece[^1])));
    }

    public void Dispose() => _ticker.Dispose();

    private KeepAliveTicker.Watched Watch() => _ticker.Watch(_feed.Open(), () => _disconnects++);

    private void Advance(int seconds)
    {
        for (var n = 0; n < seconds; n++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _ticker.CheckStreams();
        }
    }
}

using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Chat;
using Sendcat.UnitTests.Providers;

namespace Sendcat.UnitTests.Chat;

public sealed class SlowReaderTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly TurnFeed _feed = new();
    private readonly KeepAliveTicker _ticker;
    private int _cut;

    public SlowReaderTests() => _ticker = new KeepAliveTicker(new Fixed<ChatOptions>(new() { WriteTimeoutMs = 15_000 }), _time, NullLogger<KeepAliveTicker>.Instance);

    [Fact]
    public void A_reader_that_takes_nothing_is_cut_once_when_its_time_is_over()
    {
        using var stream = Watch();
        stream.FlushBlocked();

        Pass(14);
        Assert.Equal(0, _cut);
        Pass(2);
        Assert.Equal(1, _cut);
        Pass(60);
        Assert.Equal(1, _cut);
    }

    [Fact]
    public void A_reader_that_takes_something_in_time_stays()
    {
        using var stream = Watch();
        for (var n = 0; n < 20; n++)
        {
            stream.FlushBlocked();
            Pass(10);
            stream.FlushCompleted();
        }

        Pass(100);
        Assert.Equal(0, _cut);
    }

    [Fact]
    public void A_reader_that_drips_on_long_after_its_turn_is_cut()
    {
        using var stream = Watch();
        _feed.Complete();
        for (var n = 0; n < 29; n++)
        {
            stream.FlushBlocked();
            Pass(10);
            stream.FlushCompleted();
        }

        Assert.Equal(0, _cut);
        stream.FlushBlocked();
        Pass(14);
        stream.FlushCompleted();
        stream.FlushBlocked();
        Pass(2);
        Assert.Equal(1, _cut);
    }

    [Fact]
    public void What_a_reader_has_to_catch_up_with_comes_in_pieces()
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

    private KeepAliveTicker.Watched Watch() => _ticker.Watch(_feed.Open(), () => _cut++);

    private void Pass(int seconds)
    {
        for (var n = 0; n < seconds; n++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _ticker.CheckStreams();
        }
    }
}

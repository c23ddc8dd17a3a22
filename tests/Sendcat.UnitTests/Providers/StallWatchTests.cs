using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Providers;

namespace Sendcat.UnitTests.Providers;

public class StallWatchTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Headers_have_a_time_of_their_own()
    {
        using var watch = Watch();

        _time.Advance(TimeSpan.FromSeconds(34));
        Assert.False(watch.Expired);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.True(watch.Expired && watch.Token.IsCancellationRequested);
    }

    [Fact]
    public void Data_is_life_until_the_total_time_is_over()
    {
        using var watch = Watch();
        watch.OnHeaders(TimeSpan.FromSeconds(45));
        for (var at = 0; at < 960; at += 40)
        {
            watch.OnData();
            Assert.False(watch.Expired);
            _time.Advance(TimeSpan.FromSeconds(40));
        }

        watch.OnData();
        _time.Advance(TimeSpan.FromSeconds(41));

        Assert.True(watch.Expired);
    }

    [Fact]
    public void Silence_is_not()
    {
        using var watch = Watch();
        watch.OnHeaders(TimeSpan.FromSeconds(45));

        _time.Advance(TimeSpan.FromSeconds(44));
        Assert.False(watch.Expired);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.True(watch.Expired);
    }

    [Fact]
    public void Comments_alone_are_life_for_a_while_only()
    {
        using var watch = Watch();
        watch.OnHeaders(TimeSpan.FromSeconds(45));
        for (var at = 0; at < 170; at += 10)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            watch.OnComment();
            Assert.False(watch.Expired);
        }

        _time.Advance(TimeSpan.FromSeconds(11));

        Assert.True(watch.Expired);
    }

    [Fact]
    public void A_caller_who_leaves_is_no_stall()
    {
        using var caller = new CancellationTokenSource();
        using var watch = Watch(caller.Token);

        caller.Cancel();

        Assert.True(watch.Token.IsCancellationRequested);
        Assert.False(watch.Expired);
    }

    private StallWatch Watch(CancellationToken caller = default) =>
        new(_time, TimeSpan.FromSeconds(35), _time.GetTimestamp() + (1000 * _time.TimestampFrequency), caller);
}

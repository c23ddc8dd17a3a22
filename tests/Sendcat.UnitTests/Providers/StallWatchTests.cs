using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Providers;

namespace Sendcat.UnitTests.Providers;

public class StallWatchTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Response_headers_have_a_separate_timeout()
    {
        using var watch = Watch();

        _time.Advance(TimeSpan.FromSeconds(34));
        Assert.False(watch.Expired);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.True(watch.Expired && watch.Token.IsCancellationRequested);
    }

    [Fact]
    public void Data_resets_the_idle_timeout_until_the_total_timeout()
    {
        using var watch = Watch();
        watch.OnHeaders(TimeSpan.FromSeconds(45), TimeSpan.FromSeconds(45));
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
    public void The_first_token_has_a_time_of_its_own_and_the_idle_timeout_begins_with_it()
    {
        using var watch = Watch();
        watch.OnHeaders(firstToken: TimeSpan.FromSeconds(120), idle: TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(119));
        Assert.False(watch.Expired);

        watch.OnToken();
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(watch.Expired);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.True(watch.Expired);
    }

    [Fact]
    public void A_short_time_for_the_first_token_does_not_cut_the_rest_of_the_answer()
    {
        using var watch = Watch();
        watch.OnHeaders(firstToken: TimeSpan.FromSeconds(5), idle: TimeSpan.FromSeconds(45));
        _time.Advance(TimeSpan.FromSeconds(4));
        watch.OnToken();
        _time.Advance(TimeSpan.FromSeconds(44));
        Assert.False(watch.Expired);

        using var silent = Watch();
        silent.OnHeaders(firstToken: TimeSpan.FromSeconds(5), idle: TimeSpan.FromSeconds(45));
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.True(silent.Expired);
    }

    [Fact]
    public void Silence_expires_after_the_idle_timeout()
    {
        using var watch = Watch();
        watch.OnHeaders(TimeSpan.FromSeconds(45), TimeSpan.FromSeconds(45));

        _time.Advance(TimeSpan.FromSeconds(44));
        Assert.False(watch.Expired);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.True(watch.Expired);
    }

    [Fact]
    public void Comments_alone_reset_the_idle_timeout_for_a_limited_time()
    {
        using var watch = Watch();
        watch.OnHeaders(TimeSpan.FromSeconds(45), TimeSpan.FromSeconds(45));
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
    public void A_cancelled_caller_is_not_a_stall()
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

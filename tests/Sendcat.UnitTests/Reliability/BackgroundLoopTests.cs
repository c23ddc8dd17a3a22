using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.Timing;

namespace Sendcat.UnitTests.Reliability;

/// <summary>Background work whose rounds fail.</summary>
public sealed class BackgroundLoopTests : IDisposable
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger _logger = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly BackgroundLoop _loop;

    public BackgroundLoopTests() => _loop = new("Check of the tool queue", _logger, _time);

    public void Dispose() => _stopping.Dispose();

    [Fact]
    public async Task Periodic_rounds_go_on_after_one_that_throws()
    {
        var rounds = 0;
        var second = new TaskCompletionSource();
        var running = _loop.EveryAsync(TimeSpan.FromSeconds(30), OddRowAtFirst, _stopping.Token);

        while (!second.Task.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        var line = Assert.Single(_logger.Collector.GetSnapshot());
        Assert.Equal((2301, "Check of the tool queue failed unexpectedly, continuing"), (line.Id.Id, line.Message));
        Assert.IsType<InvalidCastException>(line.Exception);
        await StopAsync(running);

        Task OddRowAtFirst(CancellationToken cancellationToken)
        {
            if (++rounds == 1)
            {
                throw new InvalidCastException();
            }

            second.TrySetResult();
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Rounds_that_throw_at_once_follow_after_delays_up_to_five_seconds()
    {
        var rounds = 0;
        var running = _loop.RepeatAsync(_ => ++rounds > 0 ? throw new InvalidCastException() : Task.CompletedTask, _stopping.Token);
        var delays = new List<int>();

        for (var (seen, waited) = (1, 0); seen < 9;)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            waited += 100;
            if (rounds > seen)
            {
                delays.Add(waited);
                (seen, waited) = (rounds, 0);
            }
        }

        Assert.Equal([100, 200, 400, 800, 1600, 3200, 5000, 5000], delays);
        await StopAsync(running);
    }

    [Fact]
    public async Task A_round_that_succeeds_makes_the_next_delay_short_again()
    {
        var rounds = 0;
        var running = _loop.RepeatAsync(_ => ++rounds == 4 ? Task.CompletedTask : throw new InvalidCastException(), _stopping.Token);

        Array.ForEach([100, 200, 400], delay => _time.Advance(TimeSpan.FromMilliseconds(delay)));
        Assert.Equal(5, rounds);
        _time.Advance(TimeSpan.FromMilliseconds(100));

        Assert.Equal(6, rounds);
        await StopAsync(running);
    }

    [Fact]
    public async Task A_cancellation_without_a_stop_is_an_unexpected_exception()
    {
        var rounds = 0;
        var running = _loop.RepeatAsync(
            stopping => ++rounds == 1 ? Task.FromCanceled(new(true)) : Task.Delay(Timeout.InfiniteTimeSpan, _time, stopping),
            _stopping.Token);
        Assert.Equal(1, _logger.Collector.Count);

        _time.Advance(TimeSpan.FromMilliseconds(100));

        Assert.Equal(2, rounds);
        await StopAsync(running);
    }

    [Fact]
    public async Task A_stop_ends_a_loop_that_waits_after_a_failure()
    {
        var running = _loop.RepeatAsync(_ => throw new InvalidCastException(), _stopping.Token);

        await StopAsync(running);
    }

    [Fact]
    public async Task A_stop_ends_periodic_rounds_without_an_exception_or_a_log_line()
    {
        var running = _loop.EveryAsync(TimeSpan.FromSeconds(1), _ => Task.CompletedTask, _stopping.Token);

        await StopAsync(running);

        Assert.Equal(0, _logger.Collector.Count);
    }

    private async Task StopAsync(Task running)
    {
        Assert.False(running.IsCompleted);
        await _stopping.CancelAsync();
        await running.WaitAsync(MaxWait);
    }
}

using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.Timing;

namespace Sendcat.UnitTests.Reliability;

/// <summary>Every background loop that is woken by a signal or by its period waits on this type.</summary>
public sealed class AutoResetSignalTests
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _time = new();
    private readonly AutoResetSignal _signal;

    public AutoResetSignalTests() => _signal = new(_time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_signal_before_the_wait_is_not_lost()
    {
        _signal.Set();

        Assert.True(await _signal.WaitAsync(Period, Token));
    }

    [Fact]
    public async Task A_signal_ends_a_wait_that_has_begun()
    {
        var wait = _signal.WaitAsync(Period, Token).AsTask();
        Assert.False(wait.IsCompleted);

        _signal.Set();

        Assert.True(await wait);
    }

    [Fact]
    public async Task Many_signals_before_a_wait_count_as_one()
    {
        _signal.Set();
        _signal.Set();
        Assert.True(await _signal.WaitAsync(Period, Token));

        var second = _signal.WaitAsync(Period, Token).AsTask();
        _time.Advance(Period);

        Assert.False(await second);
    }

    [Fact]
    public async Task One_signal_wakes_one_of_two_waiters()
    {
        var waits = new[] { _signal.WaitAsync(Period, Token).AsTask(), _signal.WaitAsync(Period, Token).AsTask() };

        _signal.Set();
        await await Task.WhenAny(waits);
        _time.Advance(Period);

        Assert.Single(await Task.WhenAll(waits), woken => woken);
    }

    [Fact]
    public async Task A_timeout_does_not_consume_a_later_signal()
    {
        var wait = _signal.WaitAsync(Period, Token).AsTask();
        _time.Advance(Period);
        Assert.False(await wait);

        _signal.Set();

        Assert.True(await _signal.WaitAsync(Period, Token));
    }

    [Fact]
    public async Task Cancellation_is_reported_and_does_not_consume_a_later_signal()
    {
        using var stopping = new CancellationTokenSource();
        var waits = new[] { _signal.WaitAsync(Period, stopping.Token).AsTask(), _signal.WaitAsync(stopping.Token).AsTask() };
        await stopping.CancelAsync();
        foreach (var wait in waits)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        }

        _signal.Set();

        await _signal.WaitAsync(Token);
    }
}

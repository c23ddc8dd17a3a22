using System.Collections.Concurrent;

namespace Sendcat.KillRig.Rig;

/// <summary>
/// Measures how late the machine runs a thread that became ready: a thread waits for short intervals, and records by how much each wait
/// took longer. The report shows the stalls, so that a slow recovery on a busy machine can be distinguished from one of an idle machine.
/// </summary>
internal sealed class MachineStalls : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Less is the resolution of the timer.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(5);

    private readonly ConcurrentQueue<Stall> _stalls = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private readonly TimeProvider _time;

    public MachineStalls(TimeProvider time)
    {
        _time = time;
        _thread = new(Measure) { IsBackground = true, Name = "machine stalls" };
        _thread.Start();
    }

    public IReadOnlyList<Stall> All => [.. _stalls];

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _stop.Dispose();
    }

    private void Measure()
    {
        for (var began = _time.GetTimestamp(); !_stop.Token.WaitHandle.WaitOne(Interval);)
        {
            var now = _time.GetTimestamp();
            var late = _time.GetElapsedTime(began, now) - Interval;
            began = now;
            if (late >= Shortest)
            {
                _stalls.Enqueue(new(_time.GetUtcNow(), late));
            }
        }
    }
}

/// <summary>A time in which the machine did not run a thread that was ready.</summary>
/// <param name="Until">When the thread ran.</param>
/// <param name="Late">How late that was.</param>
internal readonly record struct Stall(DateTimeOffset Until, TimeSpan Late)
{
    /// <summary>The stalled time of a span.</summary>
    public static TimeSpan Within(IReadOnlyList<Stall> stalls, DateTimeOffset from, DateTimeOffset until)
    {
        var sum = TimeSpan.Zero;
        foreach (var stall in stalls)
        {
            var (began, ended) = (stall.Until - stall.Late, stall.Until);
            var within = (ended < until ? ended : until) - (began > from ? began : from);
            sum += within > TimeSpan.Zero ? within : TimeSpan.Zero;
        }

        return sum;
    }
}

namespace Sendcat.UpstreamEmulator.Pacing;

/// <summary>
/// One timer for all streams: a hashed timing wheel with 4096 slots of 2 ms each. Twenty thousand paced streams need one timer callback per
/// tick instead of one timer per chunk. The timer is stopped while no stream waits.
/// </summary>
internal sealed class TimerWheel : IDisposable
{
    private const int TickMs = 2;
    private const int Slots = 4096;

    private readonly Lock _gate = new();
    private readonly WheelTimer?[] _slots = new WheelTimer?[Slots];
    private readonly TimeProvider _clock;
    private readonly long _origin;
    private readonly ITimer _ticker;
    private long _cursor; // every slot up to this tick has been processed
    private int _armed;
    private bool _ticking;
    private int _sweeping;

    public TimerWheel(TimeProvider clock)
    {
        _clock = clock;
        _origin = clock.GetTimestamp();
        _ticker = clock.CreateTimer(static wheel => ((TimerWheel)wheel!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Milliseconds since the wheel was created.</summary>
    public long NowMs => (long)_clock.GetElapsedTime(_origin).TotalMilliseconds;

    /// <summary>
    /// Completes at <paramref name="dueMs"/>, never earlier and at most one tick (2 ms) and a scheduling delay later.
    /// Completes at once when the timer is cancelled, before or during the wait.
    /// </summary>
    public ValueTask WaitUntilAsync(WheelTimer timer, long dueMs)
    {
        lock (_gate)
        {
            if (timer.Cancelled)
            {
                return ValueTask.CompletedTask;
            }

            var wait = timer.Arm();
            if (!_ticking)
            {
                _ticking = true;
                _cursor = NowMs / TickMs;
                _ticker.Change(TimeSpan.FromMilliseconds(TickMs), TimeSpan.FromMilliseconds(TickMs));
            }

            timer.Due = Math.Max(_cursor + 1, (dueMs + TickMs - 1) / TickMs);
            ref var head = ref _slots[timer.Due & (Slots - 1)];
            timer.Next = head;
            timer.Previous = null;
            if (head is not null)
            {
                head.Previous = timer;
            }

            head = timer;
            _armed++;
            return wait;
        }
    }

    /// <summary>Completes only when the timer is cancelled.</summary>
    public ValueTask WaitForCancelAsync(WheelTimer timer)
    {
        lock (_gate)
        {
            if (timer.Cancelled)
            {
                return ValueTask.CompletedTask;
            }

            timer.Due = WheelTimer.Never;
            return timer.Arm();
        }
    }

    /// <summary>Ends the current wait of the timer, and makes every later wait complete at once.</summary>
    public void Cancel(WheelTimer timer)
    {
        lock (_gate)
        {
            timer.Cancelled = true;
            if (!timer.Armed)
            {
                return;
            }

            Unlink(timer);
        }

        timer.Fire();
    }

    public void Dispose() => _ticker.Dispose();

    private void Sweep()
    {
        if (Interlocked.Exchange(ref _sweeping, 1) == 1)
        {
            return; // the previous callback is still running; it processes this tick, or the next callback does
        }

        WheelTimer? due = null;
        lock (_gate)
        {
            var now = NowMs / TickMs;
            for (var tick = Math.Max(_cursor + 1, now - Slots + 1); tick <= now; tick++)
            {
                for (var timer = _slots[tick & (Slots - 1)]; timer is not null;)
                {
                    var next = timer.Next;
                    if (timer.Due <= now)
                    {
                        Unlink(timer);
                        timer.Next = due;
                        due = timer;
                    }

                    timer = next;
                }
            }

            _cursor = Math.Max(_cursor, now);
            if (_armed == 0)
            {
                _ticking = false;
                _ticker.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }

        Volatile.Write(ref _sweeping, 0);
        while (due is not null)
        {
            var next = due.Next; // after Fire, the owner may arm the timer again, which overwrites Next
            due.Next = null;
            due.Fire();
            due = next;
        }
    }

    private void Unlink(WheelTimer timer)
    {
        timer.Armed = false;
        if (timer.Due == WheelTimer.Never)
        {
            return;
        }

        if (timer.Previous is { } previous)
        {
            previous.Next = timer.Next;
        }
        else
        {
            _slots[timer.Due & (Slots - 1)] = timer.Next;
        }

        if (timer.Next is { } next)
        {
            next.Previous = timer.Previous;
        }

        timer.Next = timer.Previous = null;
        _armed--;
    }
}

namespace Sendcat.UpstreamEmulator.Pacing;

/// <summary>
/// One timer for all streams: a hashed timing wheel with 4096 slots of 2 ms each. Twenty thousand paced streams need one timer callback per tick
/// instead of one timer per chunk. The timer is stopped while no stream waits.
/// </summary>
internal sealed class TimerWheel : IDisposable
{
    private const int TickMs = 2;
    private const int Slots = 4096;

    private readonly Lock gate = new();
    private readonly WheelTimer?[] slots = new WheelTimer?[Slots];
    private readonly TimeProvider clock;
    private readonly long origin;
    private readonly ITimer ticker;
    private long cursor; // every slot up to this tick has been processed
    private int armed;
    private bool ticking;
    private int sweeping;

    public TimerWheel(TimeProvider clock)
    {
        this.clock = clock;
        origin = clock.GetTimestamp();
        ticker = clock.CreateTimer(static wheel => ((TimerWheel)wheel!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Milliseconds since the wheel was created.</summary>
    public long NowMs => (long)clock.GetElapsedTime(origin).TotalMilliseconds;

    /// <summary>
    /// Completes at <paramref name="dueMs"/>, never earlier and at most one tick (2 ms) and a scheduling delay later.
    /// Completes at once when the timer is cancelled, before or during the wait.
    /// </summary>
    public ValueTask WaitUntilAsync(WheelTimer timer, long dueMs)
    {
        lock (gate)
        {
            if (timer.Cancelled)
            {
                return ValueTask.CompletedTask;
            }

            var wait = timer.Arm();
            if (!ticking)
            {
                ticking = true;
                cursor = NowMs / TickMs;
                ticker.Change(TimeSpan.FromMilliseconds(TickMs), TimeSpan.FromMilliseconds(TickMs));
            }

            timer.Due = Math.Max(cursor + 1, (dueMs + TickMs - 1) / TickMs);
            ref var head = ref slots[timer.Due & (Slots - 1)];
            timer.Next = head;
            timer.Previous = null;
            if (head is not null)
            {
                head.Previous = timer;
            }

            head = timer;
            armed++;
            return wait;
        }
    }

    /// <summary>Completes only when the timer is cancelled.</summary>
    public ValueTask WaitForCancelAsync(WheelTimer timer)
    {
        lock (gate)
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
        lock (gate)
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

    public void Dispose() => ticker.Dispose();

    private void Sweep()
    {
        if (Interlocked.Exchange(ref sweeping, 1) == 1)
        {
            return; // the previous callback is still running; it processes this tick, or the next callback does
        }

        WheelTimer? due = null;
        lock (gate)
        {
            var now = NowMs / TickMs;
            for (var tick = Math.Max(cursor + 1, now - Slots + 1); tick <= now; tick++)
            {
                for (var timer = slots[tick & (Slots - 1)]; timer is not null;)
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

            cursor = Math.Max(cursor, now);
            if (armed == 0)
            {
                ticking = false;
                ticker.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }

        Volatile.Write(ref sweeping, 0);
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
            slots[timer.Due & (Slots - 1)] = timer.Next;
        }

        if (timer.Next is { } next)
        {
            next.Previous = timer.Previous;
        }

        timer.Next = timer.Previous = null;
        armed--;
    }
}

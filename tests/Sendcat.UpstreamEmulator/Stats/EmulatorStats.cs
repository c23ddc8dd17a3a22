using System.Collections.Concurrent;

namespace Sendcat.UpstreamEmulator.Stats;

/// <summary>Counts how requests ended. The counters are lock-free; only aborts, which are rare, take a lock.</summary>
public sealed class EmulatorStats
{
    private const int MaxAborts = 256;
    private const int MaxModels = 200;

    private readonly TimeProvider clock;
    private readonly ConcurrentDictionary<(string Upstream, string Model), Counters> counters = new();
    private readonly Queue<PeerAbort> aborts = new();
    private (DateTimeOffset First, DateTimeOffset Last)? abortSpan;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int waiters;

    public EmulatorStats(TimeProvider clock) => this.clock = clock;

    internal Call Start(string upstream, string model)
    {
        var key = (upstream, model);
        if (!counters.TryGetValue(key, out var own))
        {
            own = counters.GetOrAdd(counters.Count < MaxModels ? key : (upstream, "other"), _ => new());
        }

        Interlocked.Increment(ref own.Started);
        NotifyWaiters();
        return new(this, own, upstream, model, clock.GetTimestamp());
    }

    public StatsSnapshot Snapshot()
    {
        var upstreams = counters.GroupBy(c => c.Key.Upstream, StringComparer.Ordinal).ToDictionary(
            g => g.Key,
            g => (IReadOnlyDictionary<string, StatsCounts>)g.OrderBy(c => c.Key.Model, StringComparer.Ordinal)
                .ToDictionary(c => c.Key.Model, c => c.Value.Read(), StringComparer.Ordinal),
            StringComparer.Ordinal);
        var totals = StatsCounts.Sum(upstreams.Values.SelectMany(u => u.Values));
        lock (aborts)
        {
            return new(clock.GetUtcNow(), totals, upstreams, abortSpan?.First, abortSpan?.Last, [.. aborts]);
        }
    }

    /// <summary>
    /// Returns the first snapshot that meets the condition. It checks the condition whenever a request starts or ends, so a test does not have to poll.
    /// </summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled before a snapshot met the condition.</exception>
    public async Task<StatsSnapshot> WaitForAsync(Func<StatsSnapshot, bool> condition, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref waiters);
        try
        {
            while (true)
            {
                var change = Volatile.Read(ref changed).Task; // read before the snapshot, so that a change after the snapshot is not missed
                if (Snapshot() is var snapshot && condition(snapshot))
                {
                    return snapshot;
                }

                await change.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            Interlocked.Decrement(ref waiters);
        }
    }

    /// <summary>Sets the counters to zero. Requests that are active stay active and are counted when they end.</summary>
    public void Reset()
    {
        foreach (var own in counters.Values)
        {
            own.Reset();
        }

        lock (aborts)
        {
            aborts.Clear();
            abortSpan = null;
        }

        NotifyWaiters();
    }

    private void NotifyWaiters()
    {
        if (Volatile.Read(ref waiters) > 0)
        {
            Interlocked.Exchange(ref changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
    }

    private sealed class Counters
    {
        public long Started, Completed, Refused, Broken, Aborted, Chunks;
        private long carried; // requests that were active at the last reset

        public StatsCounts Read()
        {
            var (completed, refused) = (Volatile.Read(ref Completed), Volatile.Read(ref Refused));
            var (broken, aborted) = (Volatile.Read(ref Broken), Volatile.Read(ref Aborted));
            var started = Volatile.Read(ref Started); // read after the other counters, so that active is never negative
            var active = started + Volatile.Read(ref carried) - completed - refused - broken - aborted;
            return new(started, completed, refused, broken, aborted, active, Volatile.Read(ref Chunks));
        }

        public void Reset()
        {
            var ended = Interlocked.Exchange(ref Completed, 0) + Interlocked.Exchange(ref Refused, 0)
                + Interlocked.Exchange(ref Broken, 0) + Interlocked.Exchange(ref Aborted, 0);
            Interlocked.Add(ref carried, Interlocked.Exchange(ref Started, 0) - ended);
            Interlocked.Exchange(ref Chunks, 0);
        }
    }

    /// <summary>One request, from its start to its end. The first end counts; later ones have no effect.</summary>
    internal sealed class Call
    {
        private readonly EmulatorStats stats;
        private readonly Counters counters;
        private readonly string upstream;
        private readonly string model;
        private readonly long startedAt;
        private int ended;

        public Call(EmulatorStats stats, object counters, string upstream, string model, long startedAt)
        {
            this.stats = stats;
            this.counters = (Counters)counters;
            this.upstream = upstream;
            this.model = model;
            this.startedAt = startedAt;
        }

        public void Chunk() => Interlocked.Increment(ref counters.Chunks);

        public void Completed() => End(ref counters.Completed);

        public void Refused() => End(ref counters.Refused);

        public void Broken() => End(ref counters.Broken);

        /// <summary>Counts an abort by the client. Returns false when the request had already ended.</summary>
        public bool AbortedByPeer(string phase, long chunks)
        {
            if (Interlocked.Exchange(ref ended, 1) == 1)
            {
                return false;
            }

            var now = stats.clock.GetUtcNow();
            lock (stats.aborts)
            {
                stats.aborts.Enqueue(new(now, upstream, model, phase, chunks, stats.clock.GetElapsedTime(startedAt).TotalMilliseconds));
                stats.abortSpan = (stats.abortSpan?.First ?? now, now);
                if (stats.aborts.Count > MaxAborts)
                {
                    stats.aborts.Dequeue();
                }
            }

            Interlocked.Increment(ref counters.Aborted);
            stats.NotifyWaiters();
            return true;
        }

        private void End(ref long counter)
        {
            if (Interlocked.Exchange(ref ended, 1) == 0)
            {
                Interlocked.Increment(ref counter);
                stats.NotifyWaiters();
            }
        }
    }
}

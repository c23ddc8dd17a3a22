using System.Collections.Concurrent;

namespace Sendcat.UpstreamEmulator.Stats;

/// <summary>Counts how requests ended. The counters are lock-free; only aborts, which are rare, take a lock.</summary>
public sealed class EmulatorStats
{
    private const int MaxAborts = 256;
    private const int MaxModels = 200;

    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<(string Upstream, string Model), Counters> _counters = new();
    private readonly Queue<PeerAbort> _aborts = new();
    private (DateTimeOffset First, DateTimeOffset Last)? _abortSpan;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waiters;

    public EmulatorStats(TimeProvider clock) => _clock = clock;

    internal Call Start(string upstream, string model)
    {
        var key = (upstream, model);
        if (!_counters.TryGetValue(key, out var own))
        {
            own = _counters.GetOrAdd(_counters.Count < MaxModels ? key : (upstream, "other"), _ => new());
        }

        Interlocked.Increment(ref own.Started);
        NotifyWaiters();
        return new(this, own, upstream, model, _clock.GetTimestamp());
    }

    public StatsSnapshot Snapshot()
    {
        var upstreams = _counters.GroupBy(c => c.Key.Upstream, StringComparer.Ordinal).ToDictionary(
            g => g.Key,
            g => (IReadOnlyDictionary<string, StatsCounts>)g.OrderBy(c => c.Key.Model, StringComparer.Ordinal)
                .ToDictionary(c => c.Key.Model, c => c.Value.Read(), StringComparer.Ordinal),
            StringComparer.Ordinal);
        var totals = StatsCounts.Sum(upstreams.Values.SelectMany(u => u.Values));
        lock (_aborts)
        {
            return new(_clock.GetUtcNow(), totals, upstreams, _abortSpan?.First, _abortSpan?.Last, [.. _aborts]);
        }
    }

    /// <summary>
    /// Returns the first snapshot that meets the condition. It checks the condition whenever a request starts or ends, so a test does not
    /// have to poll.
    /// </summary>
    /// <exception cref="OperationCanceledException">
    /// <paramref name="cancellationToken"/> was cancelled before a snapshot met the condition.
    /// </exception>
    public async Task<StatsSnapshot> WaitForAsync(Func<StatsSnapshot, bool> condition, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _waiters);
        try
        {
            while (true)
            {
                // read before the snapshot, so that a change after the snapshot is not missed
                var change = Volatile.Read(ref _changed).Task;
                if (Snapshot() is var snapshot && condition(snapshot))
                {
                    return snapshot;
                }

                await change.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiters);
        }
    }

    /// <summary>Sets the counters to zero. Requests that are active stay active and are counted when they end.</summary>
    public void Reset()
    {
        foreach (var own in _counters.Values)
        {
            own.Reset();
        }

        lock (_aborts)
        {
            _aborts.Clear();
            _abortSpan = null;
        }

        NotifyWaiters();
    }

    private void NotifyWaiters()
    {
        if (Volatile.Read(ref _waiters) > 0)
        {
            Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
    }

    private sealed class Counters
    {
        public long Started, Completed, Refused, Broken, Aborted, Chunks;
        private long _carried; // requests that were active at the last reset

        public StatsCounts Read()
        {
            var (completed, refused) = (Volatile.Read(ref Completed), Volatile.Read(ref Refused));
            var (broken, aborted) = (Volatile.Read(ref Broken), Volatile.Read(ref Aborted));
            var started = Volatile.Read(ref Started); // read after the other counters, so that active is never negative
            var active = started + Volatile.Read(ref _carried) - completed - refused - broken - aborted;
            return new(started, completed, refused, broken, aborted, active, Volatile.Read(ref Chunks));
        }

        public void Reset()
        {
            var ended = Interlocked.Exchange(ref Completed, 0) + Interlocked.Exchange(ref Refused, 0)
                + Interlocked.Exchange(ref Broken, 0) + Interlocked.Exchange(ref Aborted, 0);
            Interlocked.Add(ref _carried, Interlocked.Exchange(ref Started, 0) - ended);
            Interlocked.Exchange(ref Chunks, 0);
        }
    }

    /// <summary>One request, from its start to its end. The first end counts; later ones have no effect.</summary>
    internal sealed class Call
    {
        private readonly EmulatorStats _stats;
        private readonly Counters _counters;
        private readonly string _upstream;
        private readonly string _model;
        private readonly long _startedAt;
        private int _ended;

        public Call(EmulatorStats stats, object counters, string upstream, string model, long startedAt)
        {
            _stats = stats;
            _counters = (Counters)counters;
            _upstream = upstream;
            _model = model;
            _startedAt = startedAt;
        }

        public void Chunk() => Interlocked.Increment(ref _counters.Chunks);

        public void Completed() => End(ref _counters.Completed);

        public void Refused() => End(ref _counters.Refused);

        public void Broken() => End(ref _counters.Broken);

        /// <summary>Counts an abort by the client. Returns false when the request had already ended.</summary>
        public bool AbortedByPeer(string phase, long chunks)
        {
            if (Interlocked.Exchange(ref _ended, 1) == 1)
            {
                return false;
            }

            var now = _stats._clock.GetUtcNow();
            lock (_stats._aborts)
            {
                _stats._aborts.Enqueue(
                    new(now, _upstream, _model, phase, chunks, _stats._clock.GetElapsedTime(_startedAt).TotalMilliseconds));
                _stats._abortSpan = (_stats._abortSpan?.First ?? now, now);
                if (_stats._aborts.Count > MaxAborts)
                {
                    _stats._aborts.Dequeue();
                }
            }

            Interlocked.Increment(ref _counters.Aborted);
            _stats.NotifyWaiters();
            return true;
        }

        private void End(ref long counter)
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                Interlocked.Increment(ref counter);
                _stats.NotifyWaiters();
            }
        }
    }
}

using System.Runtime.InteropServices;

namespace Sendcat.Reliability.Events;

/// <summary>
/// Counts equal events of the same five seconds together, before anything is written: rejecting a flood costs one row, not one write each. Holds at most
/// <see cref="Room"/> different events; more are only counted as dropped.
/// </summary>
internal sealed class EventTally
{
    public const int Room = 10_000;

    /// <summary>Length of a slot in ms.</summary>
    public const long SlotMs = 5_000;

    private readonly Lock _gate = new();
    private Dictionary<Slot, Tally> _tallies = [];

    public enum Fate
    {
        Recorded,
        Repeated,
        Dropped,
    }

    public Fate Add(in RateLimitEvent happened, DateTimeOffset now)
    {
        var slot = new Slot(now.ToUnixTimeMilliseconds() / SlotMs, happened.Identity);
        lock (_gate)
        {
            ref var tally = ref CollectionsMarshal.GetValueRefOrNullRef(_tallies, slot);
            if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref tally))
            {
                tally.Hits++;
                return Fate.Repeated;
            }

            if (_tallies.Count >= Room)
            {
                return Fate.Dropped;
            }

            _tallies[slot] = new() { Event = happened, At = now, Slot = slot.Number, Hits = 1 };
            return Fate.Recorded;
        }
    }

    /// <summary>Takes everything out.</summary>
    public IReadOnlyCollection<Tally> Drain()
    {
        lock (_gate)
        {
            if (_tallies.Count == 0)
            {
                return [];
            }

            var full = _tallies;
            _tallies = [];
            return full.Values;
        }
    }

    /// <summary>Puts back what could not be written, as far as there is room.</summary>
    /// <returns>How many did not fit.</returns>
    public int Return(IReadOnlyCollection<Tally> tallies)
    {
        var dropped = 0;
        lock (_gate)
        {
            foreach (var tally in tallies)
            {
                var slot = new Slot(tally.Slot, tally.Event.Identity);
                if (_tallies.Count >= Room && !_tallies.ContainsKey(slot))
                {
                    dropped += tally.Hits;
                    continue;
                }

                ref var present = ref CollectionsMarshal.GetValueRefOrAddDefault(_tallies, slot, out var known);
                present = known ? tally with { Hits = tally.Hits + present.Hits } : tally;
            }
        }

        return dropped;
    }

    private readonly record struct Slot(long Number, (RateLimitSource, string, string, RateLimitOutcome, string?) Identity);

    internal record struct Tally
    {
        public RateLimitEvent Event { get; init; }

        public DateTimeOffset At { get; init; }

        public long Slot { get; init; }

        public int Hits { get; set; }

        public readonly string DedupeKey =>
            $"{Event.SourceWord}|{Event.Bucket}|{PrincipalMask.Of(Event.Key)}|{Event.OutcomeWord}|{Event.Reason}|{Slot * SlotMs}";
    }
}

using System.Runtime.InteropServices;

namespace Sendcat.Reliability.Events;

/// <summary>
/// Aggregates equal events of the same time slot of five seconds in memory, before they are written: many rejections cost one row instead
/// of one write each. Holds at most <see cref="Capacity"/> different events; further ones are dropped and counted as such.
/// </summary>
internal sealed class EventTally
{
    /// <summary>Most different events in memory.</summary>
    public const int Capacity = 10_000;

    /// <summary>Length of a time slot in ms.</summary>
    public const long SlotMs = 5_000;

    private readonly Lock _gate = new();
    private Dictionary<Slot, Tally> _tallies = [];

    /// <summary>What happened to an event.</summary>
    public enum Fate
    {
        /// <summary>It is the first of its kind in the time slot.</summary>
        Recorded,

        /// <summary>It was added to the hits of an equal event.</summary>
        Repeated,

        /// <summary>There was no capacity.</summary>
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

            if (_tallies.Count >= Capacity)
            {
                return Fate.Dropped;
            }

            _tallies[slot] = new() { Event = happened, At = now, Slot = slot.Number, Hits = 1 };
            return Fate.Recorded;
        }
    }

    /// <summary>Removes and returns all events.</summary>
    public IReadOnlyCollection<Tally> Drain()
    {
        lock (_gate)
        {
            if (_tallies.Count == 0)
            {
                return [];
            }

            var drained = _tallies;
            _tallies = [];
            return drained.Values;
        }
    }

    /// <summary>Puts back events that could not be written, as far as there is capacity.</summary>
    /// <returns>How many hits were dropped.</returns>
    public int PutBack(IReadOnlyCollection<Tally> tallies)
    {
        var dropped = 0;
        lock (_gate)
        {
            foreach (var tally in tallies)
            {
                var slot = new Slot(tally.Slot, tally.Event.Identity);
                if (_tallies.Count >= Capacity && !_tallies.ContainsKey(slot))
                {
                    dropped += tally.Hits;
                    continue;
                }

                ref var present = ref CollectionsMarshal.GetValueRefOrAddDefault(_tallies, slot, out var exists);
                present = exists ? tally with { Hits = tally.Hits + present.Hits } : tally;
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
            $"{Event.SourceName}|{Event.Bucket}|{PrincipalMask.Of(Event.Key)}|{Event.OutcomeName}|{Event.Reason}|{Slot * SlotMs}";
    }
}

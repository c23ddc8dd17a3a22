namespace Sendcat.Reliability.Redis;

/// <summary>Releases that Redis has not confirmed, or that are repeated, in the order in which they are due. Thread-safe.</summary>
internal sealed class PendingReleases(HeldLeases leases, TimeProvider time)
{
    /// <summary>The queue is bounded, because Redis may be unavailable for long. The leases of a dropped release expire in Redis.</summary>
    private const int MaxReleases = 100_000;

    private readonly PriorityQueue<PendingRelease, long> _queue = new();

    public void Enqueue(PendingRelease release, TimeSpan after)
    {
        lock (_queue)
        {
            if (_queue.Count >= MaxReleases)
            {
                _queue.Dequeue();
            }

            _queue.Enqueue(release, time.GetTimestamp() + (long)(after.TotalSeconds * time.TimestampFrequency));
        }
    }

    /// <summary>Takes releases that are due.</summary>
    /// <param name="max">Maximum number of releases.</param>
    /// <param name="batch">The releases, without the leases that their holder has acquired since.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryDequeue(int max, out List<PendingRelease> batch)
    {
        batch = [];
        lock (_queue)
        {
            var now = time.GetTimestamp();
            while (batch.Count < max && _queue.TryPeek(out var next, out var at) && at <= now)
            {
                _queue.Dequeue();
                if (NotHeld(next) is { Claims.Length: > 0 } remaining)
                {
                    batch.Add(remaining);
                }
            }
        }

        return batch.Count > 0;
    }

    /// <summary>
    /// Removes the leases that the same holder has acquired since: a turn that was refused first and admitted at its second attempt keeps
    /// its slot.
    /// </summary>
    private PendingRelease NotHeld(PendingRelease release) =>
        release with { Claims = Array.FindAll(release.Claims, claim => !leases.Holds(release.Holder, claim.Key)) };
}

/// <param name="Repeat">True: the release is sent once more later, because the claim itself may have been delayed.</param>
internal sealed record PendingRelease(string Holder, LeaseClaim[] Claims, bool Repeat);

using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>A slot of a provider's bulkhead. Disposal releases it exactly once.</summary>
public sealed class BulkheadLease : IAsyncDisposable
{
    private readonly HeldLease _lease;

    internal BulkheadLease(HeldLease lease) => _lease = lease;

    /// <summary>Cancelled when the slot is lost before it is disposed.</summary>
    public CancellationToken Lost => _lease.Lost;

    public ValueTask DisposeAsync() => _lease.DisposeAsync();
}

/// <summary>A slot, or the estimated time until one is free.</summary>
/// <param name="Lease">The slot; null when the bulkhead is full.</param>
/// <param name="RetryAfter">
/// Zero with a slot. Otherwise an estimate from the recent use of slots, not from the expiry of their leases; 1–15 s.
/// </param>
public readonly record struct BulkheadEntry(BulkheadLease? Lease, TimeSpan RetryAfter);

using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>A place in a provider's lane; given back exactly once.</summary>
public sealed class BulkheadLease : IAsyncDisposable
{
    private readonly HeldLease _lease;

    internal BulkheadLease(HeldLease lease) => _lease = lease;

    /// <summary>Cancelled when the place is gone although nobody disposed it.</summary>
    public CancellationToken Lost => _lease.Lost;

    public ValueTask DisposeAsync() => _lease.DisposeAsync();
}

/// <summary>A place, or when one may be free.</summary>
/// <param name="Lease">Null: the lane is full.</param>
/// <param name="RetryAfter">From how long places are used of late, not from when their leases would run out.</param>
public readonly record struct BulkheadEntry(BulkheadLease? Lease, TimeSpan RetryAfter);

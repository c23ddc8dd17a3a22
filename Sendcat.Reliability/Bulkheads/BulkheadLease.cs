using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>A place in a provider's lane; given back exactly once.</summary>
public sealed class BulkheadLease : IAsyncDisposable
{
    private readonly HeldLease _lease;
    private readonly Bulkheads _bulkheads;
    private readonly string _provider;
    private readonly long _since;
    private int _disposed;

    internal BulkheadLease(HeldLease lease, Bulkheads bulkheads, string provider, long since)
    {
        (_lease, _bulkheads, _provider, _since) = (lease, bulkheads, provider, since);
    }

    /// <summary>Cancelled when the place is gone although nobody disposed it.</summary>
    public CancellationToken Lost => _lease.Lost;

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _bulkheads.Used(_provider, _bulkheads.Since(_since));
        }

        return _lease.DisposeAsync();
    }
}

/// <summary>A place, or when one may be free.</summary>
/// <param name="Lease">Null: the lane is full.</param>
/// <param name="RetryAfter">From how long places are used of late, not from when their leases would run out.</param>
public readonly record struct BulkheadEntry(BulkheadLease? Lease, TimeSpan RetryAfter);

namespace Sendcat.Reliability.Redis;

/// <summary>
/// The leases of a holder. They are renewed until this object is disposed, and released exactly once, even if Redis is unavailable at that
/// moment.
/// </summary>
public sealed class HeldLease : IAsyncDisposable
{
    private readonly LeaseKeeper _keeper;
    private readonly Lock _gate = new();
    private CancellationTokenSource? _lost;
    private bool _isLost;
    private int _disposed;

    internal HeldLease(LeaseKeeper keeper, string holder, LeaseClaim[] claims, int deciding, bool missing, long since)
    {
        _keeper = keeper;
        Holder = holder;
        Claims = claims;
        Deciding = deciding;
        Missing = missing;
        Since = since;
        RenewEvery = claims.Min(claim => claim.Ttl) / 3;
    }

    public string Holder { get; }

    /// <summary>
    /// Cancelled when the leases are lost before they are disposed: another caller revoked them, or this process was suspended past their
    /// expiry and other holders have the slots now.
    /// </summary>
    public CancellationToken Lost
    {
        get
        {
            lock (_gate)
            {
                if (_isLost)
                {
                    return new(canceled: true);
                }

                return (_lost ??= new()).Token;
            }
        }
    }

    internal LeaseClaim[] Claims { get; }

    /// <summary>How many of the claims, from the first, belong to the deciding group. The rest belong to the shadow group.</summary>
    internal int Deciding { get; }

    internal TimeSpan RenewEvery { get; }

    /// <summary>Timestamp at which the leases were taken.</summary>
    internal long Since { get; }

    /// <summary>Timestamp of the next renewal. Only the loop of <see cref="LeaseKeeper"/> uses it after construction.</summary>
    internal long RenewAt { get; set; }

    /// <summary>Redis does not have the leases: they were taken while Redis was unavailable, or Redis lost them.</summary>
    internal bool Missing { get; set; }

    /// <summary>This process was suspended while it held the leases. If they are missing now, other holders may have the slots.</summary>
    internal bool MayBeTakenOver { get; set; }

    /// <summary>Next lease of the same holder.</summary>
    internal HeldLease? Sibling { get; set; }

    internal bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _disposed, 1) == 0 ? _keeper.ReleaseAsync(this) : ValueTask.CompletedTask;

    internal void SignalLost()
    {
        CancellationTokenSource? lost;
        lock (_gate)
        {
            _isLost = true;
            lost = _lost;
        }

        lost?.Cancel();
    }
}

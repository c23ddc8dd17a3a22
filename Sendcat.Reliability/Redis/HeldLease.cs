namespace Sendcat.Reliability.Redis;

/// <summary>Places that a holder keeps. They are renewed until it is disposed, and given back exactly once, whatever Redis does meanwhile.</summary>
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

    /// <summary>Cancelled when the places are gone although nobody disposed them: somebody took them away, or this process slept past their expiry and others have them now.</summary>
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

    /// <summary>How many of the claims decide; the rest are held in the shadow, and losing them stops nobody.</summary>
    internal int Deciding { get; }

    internal TimeSpan RenewEvery { get; }

    /// <summary>Timestamp of the taking.</summary>
    internal long Since { get; }

    /// <summary>The keeper's own note, touched by its loop alone.</summary>
    internal long RenewAt { get; set; }

    /// <summary>Redis does not have it: taken while it was away, or forgotten by it.</summary>
    internal bool Missing { get; set; }

    /// <summary>This process stood still while it held this: if it is gone, it may belong to others.</summary>
    internal bool MayBeOthers { get; set; }

    /// <summary>Next lease of the same holder.</summary>
    internal HeldLease? Sibling { get; set; }

    internal bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _disposed, 1) == 0 ? _keeper.GiveBackAsync(this) : ValueTask.CompletedTask;

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

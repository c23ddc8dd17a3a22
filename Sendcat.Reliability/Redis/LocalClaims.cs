using System.Runtime.InteropServices;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Decides claims on the counts of this process alone while Redis is unavailable, with the same windows and caps, so that every replica
/// stays bounded. The counts include what this process took through Redis before, and the claims of requests to Redis that are still
/// pending: a late response in a burst does not open a second budget.
/// </summary>
internal sealed class LocalClaims(LeaseKeeper keeper, TimeProvider time)
{
    /// <summary>
    /// Retry time of a refusal without an estimate of its own. It is short, because the counts of one process say nothing about the shared
    /// window, and Redis may respond again at any moment.
    /// </summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>Most windows in memory. The limit is needed because clients can choose keys.</summary>
    internal const int MaxWindows = 50_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (WindowCount Count, long LengthMs)> _windows = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _pending = new(StringComparer.Ordinal);

    /// <summary>Counts the claims as pending before the request to Redis. <see cref="RequestEnded"/> must follow.</summary>
    public void RequestStarted(IReadOnlyList<Claim> claims)
    {
        lock (_gate)
        {
            for (var n = 0; n < claims.Count; n++)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_pending, claims[n].Key, out _) += Cost(claims[n]);
            }
        }
    }

    /// <summary>Stops counting the claims as pending: Redis has responded, or the caller no longer waits.</summary>
    /// <param name="claims">The claims of the request.</param>
    /// <param name="taken">True: Redis took the claims, so their windows are counted here too.</param>
    public void RequestEnded(IReadOnlyList<Claim> claims, bool taken)
    {
        lock (_gate)
        {
            var nowMs = taken ? time.GetUtcNow().ToUnixTimeMilliseconds() : 0;
            for (var n = 0; n < claims.Count; n++)
            {
                var claim = claims[n];
                if (_pending.GetValueOrDefault(claim.Key) - Cost(claim) is > 0 and var left)
                {
                    _pending[claim.Key] = left;
                }
                else
                {
                    _pending.Remove(claim.Key);
                }

                if (taken && claim is WindowClaim window)
                {
                    Add(window, nowMs, window.Cost);
                }
            }

            EvictExpired(nowMs);
        }
    }

    /// <summary>Corrects the count of a window for a claim that was taken <paramref name="since"/> ago.</summary>
    /// <param name="window">The claim.</param>
    /// <param name="difference">Actual cost minus claimed cost.</param>
    /// <param name="since">Time since the claim.</param>
    public void Settle(WindowClaim window, long difference, TimeSpan since)
    {
        lock (_gate)
        {
            var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            if (difference > 0)
            {
                Add(window, nowMs, difference);
                EvictExpired(nowMs);
            }
            else if (_windows.ContainsKey(window.Key))
            {
                var length = (long)window.Window.TotalMilliseconds;
                _windows[window.Key] = (
                    Count(window.Key, nowMs, length).Refund(-difference, nowMs - (long)since.TotalMilliseconds, length), length);
            }
        }
    }

    /// <summary>Registers leases that Redis granted, unless leases that were taken without Redis have used up a limit.</summary>
    /// <param name="holder">Identifies the holder.</param>
    /// <param name="leases">The leases.</param>
    /// <param name="deciding">How many of the leases, from the first, belong to the deciding group.</param>
    /// <param name="replaces">A holder whose leases do not count; null: none.</param>
    /// <param name="full">The limit that is used up; null when the leases were registered.</param>
    /// <returns>Null when a limit is used up.</returns>
    public HeldLease? TryRegister(string holder, LeaseClaim[] leases, int deciding, string? replaces, out LeaseClaim? full)
    {
        lock (_gate)
        {
            full = null;
            for (var n = 0; n < deciding && full is null; n++)
            {
                full = leases[n].Enforced && IsFull(holder, replaces, leases[n], pending: 0) ? leases[n] : null;
            }

            return full is null ? keeper.Register(holder, leases, deciding, missing: false) : null;
        }
    }

    /// <summary>Takes all claims or none, without Redis.</summary>
    /// <param name="holder">Identifies the holder.</param>
    /// <param name="claims">The claims.</param>
    /// <param name="replaces">A holder whose leases do not count; null: none.</param>
    public ClaimOutcome Take(string holder, IReadOnlyList<Claim> claims, string? replaces = null)
    {
        lock (_gate)
        {
            var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            List<string>? softBlocked = null;
            int? remaining = null;
            for (var n = 0; n < claims.Count; n++)
            {
                var claim = claims[n];
                bool breached;
                if (claim is WindowClaim window)
                {
                    var length = (long)window.Window.TotalMilliseconds;
                    var pending = _pending.GetValueOrDefault(window.Key);
                    var count = Count(window.Key, nowMs, length);
                    count = pending > 0 ? count.Spend(pending, nowMs) : count;
                    breached = !count.Fits(nowMs, length, window.Max, window.Cost);
                    remaining ??= breached ? null : (int)(window.Max - count.Used(nowMs, length) - window.Cost);
                }
                else
                {
                    var lease = (LeaseClaim)claim;
                    breached = IsFull(holder, replaces, lease, _pending.GetValueOrDefault(lease.Key));
                }

                if (breached && claim.Enforced)
                {
                    return new(ClaimStatus.Refused)
                    {
                        RefusedBy = claim, RetryAfter = (claim as LeaseClaim)?.RetryAfter ?? RetryAfter, Local = true,
                    };
                }

                if (breached)
                {
                    (softBlocked ??= []).Add(claim.Reason);
                }
            }

            foreach (var window in claims.OfType<WindowClaim>())
            {
                Add(window, nowMs, window.Cost);
            }

            EvictExpired(nowMs);
            LeaseClaim[] leases = [.. claims.OfType<LeaseClaim>()];
            return new(ClaimStatus.Taken)
            {
                Local = true,
                SoftBlocked = softBlocked ?? (IReadOnlyList<string>)[],
                Remaining = remaining,
                Lease = leases.Length == 0 ? null : keeper.Register(holder, leases, leases.Length, missing: true),
            };
        }
    }

    private bool IsFull(string holder, string? replaces, LeaseClaim lease, long pending)
    {
        var held = keeper.HeldAt(lease.Key) - (replaces is not null && keeper.Holds(replaces, lease.Key) ? 1 : 0);
        return held + pending >= lease.Cap && !keeper.Holds(holder, lease.Key);
    }

    private static long Cost(Claim claim) => claim is WindowClaim window ? window.Cost : 1;

    private void Add(WindowClaim window, long nowMs, long cost)
    {
        var length = (long)window.Window.TotalMilliseconds;
        CollectionsMarshal.GetValueRefOrAddDefault(_windows, window.Key, out _) =
            (Count(window.Key, nowMs, length).Spend(cost, nowMs), length);
    }

    private WindowCount Count(string key, long nowMs, long lengthMs) =>
        _windows.TryGetValue(key, out var found) && found.LengthMs == lengthMs
            ? found.Count.At(nowMs, lengthMs)
            : new(nowMs / lengthMs, 0, 0);

    /// <summary>
    /// Evicts windows that no longer count, once there are too many. If that is not enough, evicts all: bounded memory has priority.
    /// </summary>
    private void EvictExpired(long nowMs)
    {
        if (_windows.Count <= MaxWindows)
        {
            return;
        }

        foreach (var (key, (count, lengthMs)) in _windows)
        {
            if (nowMs / lengthMs > count.Index + 1)
            {
                _windows.Remove(key);
            }
        }

        // With more than half left, one of the next new windows would cause a full scan again.
        if (_windows.Count > MaxWindows / 2)
        {
            _windows.Clear();
        }
    }
}

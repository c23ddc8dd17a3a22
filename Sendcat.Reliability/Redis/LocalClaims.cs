using System.Runtime.InteropServices;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Decides claims with what this process alone knows, while Redis is away: the same windows and caps, so that every replica stays bounded. What was taken through Redis before counts as well, and so does
/// what Redis was asked for and may be about to take: one late answer in a burst does not open a second budget.
/// </summary>
internal sealed class LocalClaims(LeaseKeeper keeper, TimeProvider time)
{
    /// <summary>Windows remembered at most; keys may be chosen by whoever calls.</summary>
    internal const int MostWindows = 50_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (WindowCount Count, long LengthMs)> _windows = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _asked = new(StringComparer.Ordinal);

    /// <summary>Redis is about to be asked for these. Followed by <see cref="Heard"/>.</summary>
    public void Asked(IReadOnlyList<Claim> claims)
    {
        lock (_gate)
        {
            for (var n = 0; n < claims.Count; n++)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_asked, claims[n].Key, out _) += Cost(claims[n]);
            }
        }
    }

    /// <summary>Redis has answered, or is not waited for any more.</summary>
    public void Heard(IReadOnlyList<Claim> claims, bool taken)
    {
        lock (_gate)
        {
            var nowMs = taken ? time.GetUtcNow().ToUnixTimeMilliseconds() : 0;
            for (var n = 0; n < claims.Count; n++)
            {
                var claim = claims[n];
                if (_asked.GetValueOrDefault(claim.Key) - Cost(claim) is > 0 and var left)
                {
                    _asked[claim.Key] = left;
                }
                else
                {
                    _asked.Remove(claim.Key);
                }

                if (taken && claim is WindowClaim window)
                {
                    Add(window, nowMs, window.Cost);
                }
            }

            Forget(nowMs);
        }
    }

    /// <summary>Sets right what a window has counted <paramref name="since"/> ago.</summary>
    public void Correct(WindowClaim window, long difference, TimeSpan since)
    {
        lock (_gate)
        {
            var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            if (difference > 0)
            {
                Add(window, nowMs, difference);
                Forget(nowMs);
            }
            else if (_windows.ContainsKey(window.Key))
            {
                var length = (long)window.Window.TotalMilliseconds;
                _windows[window.Key] = (Count(window.Key, nowMs, length).Return(-difference, nowMs - (long)since.TotalMilliseconds, length), length);
            }
        }
    }

    /// <summary>Keeps what Redis gave, unless places that were taken without Redis have used up the limit.</summary>
    /// <param name="full">The limit that is used up.</param>
    public HeldLease? Keep(string holder, LeaseClaim[] leases, int deciding, out LeaseClaim? full)
    {
        lock (_gate)
        {
            full = null;
            for (var n = 0; n < deciding && full is null; n++)
            {
                full = leases[n].Enforced && IsFull(holder, leases[n], asked: 0) ? leases[n] : null;
            }

            return full is null ? keeper.Keep(holder, leases, deciding, missing: false) : null;
        }
    }

    public ClaimOutcome Take(string holder, IReadOnlyList<Claim> claims)
    {
        lock (_gate)
        {
            var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            List<string>? soft = null;
            int? remaining = null;
            for (var n = 0; n < claims.Count; n++)
            {
                var claim = claims[n];
                TimeSpan? wait;
                bool breached;
                if (claim is WindowClaim window)
                {
                    var length = (long)window.Window.TotalMilliseconds;
                    var asked = _asked.GetValueOrDefault(window.Key);
                    var count = Count(window.Key, nowMs, length);
                    count = asked > 0 ? count.Spend(asked, nowMs) : count;
                    breached = !count.Fits(nowMs, length, window.Max, window.Cost);
                    wait = breached ? count.UntilFits(nowMs, length, window.Max, window.Cost) : null;
                    remaining ??= breached ? null : (int)(window.Max - count.Used(nowMs, length) - window.Cost);
                }
                else
                {
                    var lease = (LeaseClaim)claim;
                    breached = IsFull(holder, lease, _asked.GetValueOrDefault(lease.Key));
                    wait = lease.RetryAfter;
                }

                if (breached && claim.Enforced)
                {
                    return new(ClaimStatus.Refused) { RefusedBy = claim, RetryAfter = wait, Local = true };
                }

                if (breached)
                {
                    (soft ??= []).Add(claim.Reason);
                }
            }

            foreach (var window in claims.OfType<WindowClaim>())
            {
                Add(window, nowMs, window.Cost);
            }

            Forget(nowMs);
            LeaseClaim[] leases = [.. claims.OfType<LeaseClaim>()];
            return new(ClaimStatus.Taken)
            {
                Local = true,
                SoftBlocked = soft ?? (IReadOnlyList<string>)[],
                Remaining = remaining,
                Lease = leases.Length == 0 ? null : keeper.Keep(holder, leases, leases.Length, missing: true),
            };
        }
    }

    private bool IsFull(string holder, LeaseClaim lease, long asked) => keeper.HeldAt(lease.Key) + asked >= lease.Cap && !keeper.Holds(holder, lease.Key);

    private static long Cost(Claim claim) => claim is WindowClaim window ? window.Cost : 1;

    private void Add(WindowClaim window, long nowMs, long cost)
    {
        var length = (long)window.Window.TotalMilliseconds;
        CollectionsMarshal.GetValueRefOrAddDefault(_windows, window.Key, out _) = (Count(window.Key, nowMs, length).Spend(cost, nowMs), length);
    }

    private WindowCount Count(string key, long nowMs, long lengthMs) =>
        _windows.TryGetValue(key, out var found) && found.LengthMs == lengthMs ? found.Count.At(nowMs, lengthMs) : new(nowMs / lengthMs, 0, 0);

    /// <summary>Drops what no longer counts, and everything when even that is not enough: bounded memory comes first.</summary>
    private void Forget(long nowMs)
    {
        if (_windows.Count <= MostWindows)
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

        // Or the next window would be the reason to look through all of them again.
        if (_windows.Count > MostWindows / 2)
        {
            _windows.Clear();
        }
    }
}

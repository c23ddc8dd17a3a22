using System.Runtime.InteropServices;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Decides claims with what this process alone knows, while Redis is away: the same windows and caps, so that every replica stays bounded. Leases that were taken
/// through Redis before count as well.
/// </summary>
internal sealed class LocalClaims(LeaseKeeper keeper, TimeProvider time)
{
    /// <summary>Windows remembered at most; keys may be chosen by whoever calls.</summary>
    internal const int MostWindows = 50_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (WindowCount Count, long LengthMs)> _windows = new(StringComparer.Ordinal);

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
                    var count = Count(window.Key, nowMs, length);
                    breached = !count.Fits(nowMs, length, window.Max, window.Cost);
                    wait = breached ? count.UntilFits(nowMs, length, window.Max, window.Cost) : null;
                    remaining ??= breached ? null : (int)(window.Max - count.Used(nowMs, length) - window.Cost);
                }
                else
                {
                    var lease = (LeaseClaim)claim;
                    breached = keeper.HeldAt(lease.Key) >= lease.Cap && !keeper.Holds(holder, lease.Key);
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
                var length = (long)window.Window.TotalMilliseconds;
                var taken = Count(window.Key, nowMs, length).Take(window.Cost);
                CollectionsMarshal.GetValueRefOrAddDefault(_windows, window.Key, out _) = (taken, length);
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

        if (_windows.Count > MostWindows)
        {
            _windows.Clear();
        }
    }
}

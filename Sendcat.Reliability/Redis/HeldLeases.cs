using System.Runtime.InteropServices;

namespace Sendcat.Reliability.Redis;

/// <summary>The leases that this process holds, by holder and by key. Thread-safe.</summary>
internal sealed class HeldLeases
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, HeldLease> _byHolder = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _perKey = new(StringComparer.Ordinal);
    private TimeSpan _shortestInterval = TimeSpan.FromSeconds(3);
    private int _count;

    /// <summary>Number of leases.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The shortest renewal interval of all leases so far, at most 3 s.</summary>
    public TimeSpan ShortestInterval
    {
        get
        {
            lock (_gate)
            {
                return _shortestInterval;
            }
        }
    }

    /// <summary>How many leases of the key this process holds.</summary>
    public int HeldAt(string key)
    {
        lock (_gate)
        {
            return _perKey.GetValueOrDefault(key);
        }
    }

    /// <summary>Whether the holder has a lease of the key in this process.</summary>
    public bool Holds(string holder, string key)
    {
        lock (_gate)
        {
            for (var lease = _byHolder.GetValueOrDefault(holder); lease is not null; lease = lease.Sibling)
            {
                if (Array.Exists(lease.Claims, claim => claim.Key == key))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <returns>The first lease of the holder, which refers to the others as siblings; null: it has none.</returns>
    public HeldLease? FirstOf(string holder)
    {
        lock (_gate)
        {
            return _byHolder.GetValueOrDefault(holder);
        }
    }

    public void Add(HeldLease lease)
    {
        lock (_gate)
        {
            lease.Sibling = _byHolder.GetValueOrDefault(lease.Holder);
            _byHolder[lease.Holder] = lease;
            foreach (var claim in lease.Claims)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_perKey, claim.Key, out _)++;
            }

            _count++;
            _shortestInterval = lease.RenewEvery < _shortestInterval ? lease.RenewEvery : _shortestInterval;
        }
    }

    /// <returns>Whether the lease was still registered.</returns>
    public bool Remove(HeldLease lease)
    {
        lock (_gate)
        {
            HeldLease? before = null;
            for (var at = _byHolder.GetValueOrDefault(lease.Holder); at is not null; before = at, at = at.Sibling)
            {
                if (!ReferenceEquals(at, lease))
                {
                    continue;
                }

                if (before is not null)
                {
                    before.Sibling = at.Sibling;
                }
                else if (at.Sibling is not null)
                {
                    _byHolder[lease.Holder] = at.Sibling;
                }
                else
                {
                    _byHolder.Remove(lease.Holder);
                }

                foreach (var claim in lease.Claims)
                {
                    ref var count = ref CollectionsMarshal.GetValueRefOrNullRef(_perKey, claim.Key);
                    if (--count == 0)
                    {
                        _perKey.Remove(claim.Key);
                    }
                }

                _count--;
                return true;
            }

            return false;
        }
    }

    /// <summary>Replaces the content of the list by all leases. The caller keeps the list, so that a round allocates nothing.</summary>
    public void CopyTo(List<HeldLease> all)
    {
        all.Clear();
        lock (_gate)
        {
            foreach (var first in _byHolder.Values)
            {
                for (var lease = first; lease is not null; lease = lease.Sibling)
                {
                    all.Add(lease);
                }
            }
        }
    }
}

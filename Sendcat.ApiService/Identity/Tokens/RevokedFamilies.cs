using System.Collections.Concurrent;

namespace Sendcat.ApiService.Identity.Tokens;

/// <summary>
/// The process-local cache of revoked sign-ins that may still have unexpired access tokens. It is read for every bearer token, so it does
/// no I/O. <see cref="RevokedFamilyWatch"/> fills it.
/// </summary>
internal sealed class RevokedFamilies(TimeProvider time)
{
    /// <summary>
    /// The time for which a revocation is cached and stored. It is twice the lifetime of an access token, because the clocks of the
    /// replicas and of Postgres may differ.
    /// </summary>
    public static readonly TimeSpan Retention = 2 * AccessTokens.Lifetime;

    private readonly ConcurrentDictionary<Guid, long> _since = new();

    public int Count => _since.Count;

    public bool Contains(Guid family) => _since.ContainsKey(family);

    public void Add(Guid family) => _since.TryAdd(family, time.GetTimestamp());

    /// <summary>Removes families that were added more than <see cref="Retention"/> ago: all their access tokens have expired.</summary>
    public void RemoveExpired()
    {
        foreach (var (family, since) in _since)
        {
            if (time.GetElapsedTime(since) > Retention)
            {
                _since.TryRemove(family, out _);
            }
        }
    }
}

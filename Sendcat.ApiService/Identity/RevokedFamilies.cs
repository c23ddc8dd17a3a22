using System.Collections.Concurrent;

namespace Sendcat.ApiService.Identity;

/// <summary>The revoked sign-ins that may still have live access tokens, as this process knows them. Asked with every bearer token, so it does no I/O; <see cref="RevokedFamilyWatch"/> fills it.</summary>
internal sealed class RevokedFamilies(TimeProvider time)
{
    /// <summary>Twice the life of an access token: the clocks of the replicas and of Postgres need not agree.</summary>
    public static readonly TimeSpan Kept = 2 * AccessTokens.Lifetime;

    private readonly ConcurrentDictionary<Guid, long> _since = new();

    public int Count => _since.Count;

    public bool Contains(Guid family) => _since.ContainsKey(family);

    public void Add(Guid family) => _since.TryAdd(family, time.GetTimestamp());

    /// <summary>Removes those whose last access token has expired.</summary>
    public void RemoveExpired()
    {
        foreach (var (family, since) in _since)
        {
            if (time.GetElapsedTime(since) > Kept)
            {
                _since.TryRemove(family, out _);
            }
        }
    }
}

using System.Runtime.InteropServices;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// The renewals of several leases in the form that <c>renew.lua</c> reads: each key with its TTL once, followed by all its holders.
/// </summary>
/// <param name="Keys">The KEYS of the script.</param>
/// <param name="Arguments">The ARGV of the script.</param>
/// <param name="Holders">The leases in the order in which the script numbers them, from 1.</param>
internal sealed record RenewalBatch(RedisKey[] Keys, RedisValue[] Arguments, IReadOnlyList<HeldLease> Holders)
{
    public static RenewalBatch Of(IReadOnlyCollection<HeldLease> leases)
    {
        var perKey = new Dictionary<(string Key, TimeSpan Ttl), List<HeldLease>>();
        foreach (var lease in leases)
        {
            foreach (var claim in lease.Claims)
            {
                (CollectionsMarshal.GetValueRefOrAddDefault(perKey, (claim.Key, claim.Ttl), out _) ??= []).Add(lease);
            }
        }

        var keys = new List<RedisKey>(perKey.Count);
        var arguments = new List<RedisValue>();
        var holders = new List<HeldLease>();
        foreach (var ((key, ttl), renewing) in perKey)
        {
            keys.Add(key);
            arguments.Add((long)ttl.TotalMilliseconds);
            arguments.Add(renewing.Count);
            foreach (var lease in renewing)
            {
                arguments.Add(lease.Holder);
            }

            holders.AddRange(renewing);
        }

        return new([.. keys], [.. arguments], holders);
    }
}

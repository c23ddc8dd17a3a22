using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>Decides claims on limits that all replicas share: one script, one round trip, at most the decision time of <see cref="RedisOptions"/>.</summary>
public sealed class ClaimStore
{
    private static readonly RedisScript Script = RedisScript.Embedded("claim.lua");
    private static readonly RedisScript Settle = RedisScript.Embedded("settle.lua");

    private readonly GuardedRedis _redis;
    private readonly LeaseKeeper _keeper;
    private readonly LocalClaims _local;
    private readonly TimeProvider _time;
    private readonly ReliabilityMetrics _metrics;
    private readonly RedisKey _registry;

    internal ClaimStore(GuardedRedis redis, LeaseKeeper keeper, LocalClaims local, ReplicaId replica, TimeProvider time, ReliabilityMetrics metrics)
    {
        (_redis, _keeper, _local, _time, _metrics) = (redis, keeper, local, time, metrics);
        _registry = RedisKeys.LeasesOf(replica.ToString());
    }

    /// <summary>Takes all claims or none. Reasons are reported in the order of the claims.</summary>
    /// <param name="holder">Names what is taken; the same holder again already has its lease. Without line breaks.</param>
    /// <param name="deciding">Claims that decide.</param>
    /// <param name="shadow">Claims under keys of their own that only tell what they would have decided; they hold what they would hold if they decided.</param>
    /// <exception cref="OperationCanceledException">The caller left; whatever was taken is given back.</exception>
    public async ValueTask<ClaimOutcome> TakeAsync(
        string holder, IReadOnlyList<Claim> deciding, IReadOnlyList<Claim> shadow, CancellationToken cancellationToken, RedisFallback whenAway = RedisFallback.Refuse)
    {
        if (deciding.Count + shadow.Count == 0)
        {
            return new(ClaimStatus.Taken);
        }

        var start = _time.GetTimestamp();
        var outcome = await DecideAsync(holder, deciding, shadow, whenAway, cancellationToken);
        outcome.RefusedBy?.WhenRefused?.Invoke(outcome);
        _metrics.Decided(_time.GetElapsedTime(start), outcome.Local ? "local" : outcome.Status switch
        {
            ClaimStatus.Taken => "taken",
            ClaimStatus.Refused => "refused",
            _ => "unavailable",
        });
        return outcome;
    }

    /// <summary>Sets a window right after the fact, whatever its limit says. Best effort: while Redis is away it is forgotten.</summary>
    /// <param name="difference">What it cost beyond what was claimed; negative for less.</param>
    internal ValueTask SettleAsync(WindowClaim window, long difference) => SettleAsync([new(window, window.Cost + difference)], _time.GetTimestamp(), local: false);

    /// <summary>The same for several windows in one round trip.</summary>
    /// <param name="claimedAt">Timestamp of the claim.</param>
    /// <param name="local">Redis was away when it was claimed, so it has counted nothing yet.</param>
    internal async ValueTask SettleAsync(IReadOnlyList<Settlement> settlements, long claimedAt, bool local)
    {
        var since = _time.GetElapsedTime(claimedAt);
        var keys = new List<RedisKey>(settlements.Count);
        var arguments = new List<RedisValue>(3 * settlements.Count);
        foreach (var (window, spent) in settlements)
        {
            if (spent != window.Cost)
            {
                _local.Correct(window, spent - window.Cost, since);
            }

            if (local ? spent > 0 : spent != window.Cost)
            {
                keys.Add(window.Key);
                arguments.AddRange([Milliseconds(window), local ? spent : spent - window.Cost, (long)since.TotalMilliseconds]);
            }
        }

        if (keys.Count > 0)
        {
            await _redis.EvaluateAsync(Settle, [.. keys], [.. arguments], CancellationToken.None);
        }
    }

    /// <summary>Takes back what windows have counted. Best effort, as above.</summary>
    internal ValueTask WithdrawAsync(IReadOnlyList<Claim> taken, long claimedAt, bool local) =>
        SettleAsync([.. taken.OfType<WindowClaim>().Select(window => new Settlement(window, 0))], claimedAt, local);

    internal long Timestamp() => _time.GetTimestamp();

    private async ValueTask<ClaimOutcome> DecideAsync(string holder, IReadOnlyList<Claim> deciding, IReadOnlyList<Claim> shadow, RedisFallback whenAway, CancellationToken cancellationToken)
    {
        RedisResult? answer;
        ClaimOutcome? decided = null;
        _local.Asked(deciding);
        try
        {
            var (keys, arguments) = Ask(_registry, holder, deciding, shadow, forced: false);
            answer = await _redis.EvaluateAsync(Script, keys, arguments, cancellationToken);
            if (answer is not null)
            {
                // What was taken is kept before it stops to count as asked for.
                return decided = Read(holder, deciding, shadow, (int[])answer!);
            }
        }
        catch (OperationCanceledException)
        {
            _keeper.ReleaseLater(holder, Leases(deciding, shadow, out _));
            throw;
        }
        finally
        {
            _local.Heard(deciding, taken: decided is { Status: ClaimStatus.Taken });
        }

        // The question may still be on its way: what it takes without anybody knowing is given back, unless the holder lives on locally and wants it.
        var outcome = whenAway is RedisFallback.DecideLocally ? _local.Take(holder, deciding) : ClaimOutcome.Unavailable;
        if (outcome.Status is not ClaimStatus.Taken)
        {
            _keeper.ReleaseLater(holder, Leases(deciding, shadow, out _));
        }

        return outcome;
    }

    private ClaimOutcome Read(string holder, IReadOnlyList<Claim> deciding, IReadOnlyList<Claim> shadow, int[] answer)
    {
        List<string>? soft = null;
        List<string>? would = null;
        for (var n = 0; n < deciding.Count + shadow.Count; n++)
        {
            if (answer[4 + n] != 0)
            {
                if (n >= deciding.Count && shadow[n - deciding.Count].Enforced)
                {
                    (would ??= []).Add(shadow[n - deciding.Count].Reason);
                }
                else if (n < deciding.Count && !deciding[n].Enforced)
                {
                    (soft ??= []).Add(deciding[n].Reason);
                }
            }
        }

        var outcome = new ClaimOutcome(answer[0] == 1 ? ClaimStatus.Taken : ClaimStatus.Refused)
        {
            SoftBlocked = soft ?? (IReadOnlyList<string>)[],
            WouldBlock = would ?? (IReadOnlyList<string>)[],
            Remaining = answer[3] < 0 ? null : answer[3],
        };
        if (outcome.Status is ClaimStatus.Refused)
        {
            var refusing = deciding[answer[1] - 1];
            return outcome with { RefusedBy = refusing, RetryAfter = answer[2] >= 0 ? TimeSpan.FromMilliseconds(answer[2]) : (refusing as LeaseClaim)?.RetryAfter };
        }

        var leases = Leases(deciding, would is null ? shadow : [], out var real);
        if (leases.Length == 0)
        {
            return outcome;
        }

        if (_local.Keep(holder, leases, real, out var full) is { } lease)
        {
            return outcome with { Lease = lease };
        }

        // Redis does not know yet what was decided without it.
        _keeper.ReleaseLater(holder, leases);
        return outcome with { Status = ClaimStatus.Refused, RefusedBy = full, RetryAfter = full!.RetryAfter, Remaining = null };
    }

    /// <summary>Leases of a turn that lives already, once more.</summary>
    /// <param name="forced">True: whatever the limits say, since Redis has only forgotten them.</param>
    /// <returns>Null: no answer. False: refused.</returns>
    internal static async ValueTask<bool?> RetakeAsync(GuardedRedis redis, RedisKey registry, HeldLease lease, bool forced, CancellationToken cancellationToken)
    {
        var (keys, arguments) = Ask(registry, lease.Holder, lease.Claims[..lease.Deciding], lease.Claims[lease.Deciding..], forced);
        return await redis.MaintainAsync(Script, keys, arguments, cancellationToken) is { } answer ? ((int[])answer!)[0] == 1 : null;
    }

    private static (RedisKey[] Keys, RedisValue[] Arguments) Ask(RedisKey registry, string holder, IReadOnlyList<Claim> deciding, IReadOnlyList<Claim> shadow, bool forced)
    {
        var count = deciding.Count + shadow.Count;
        var keys = new RedisKey[1 + count];
        var arguments = new RedisValue[3 + (3 * count)];
        keys[0] = registry;
        (arguments[0], arguments[1], arguments[2]) = (holder, deciding.Count, forced ? 1 : 0);
        for (var n = 0; n < count; n++)
        {
            var claim = n < deciding.Count ? deciding[n] : shadow[n - deciding.Count];
            var enforced = claim.Enforced ? 1 : 0;
            keys[1 + n] = claim.Key;
            (arguments[3 + (3 * n)], arguments[4 + (3 * n)], arguments[5 + (3 * n)]) = claim switch
            {
                LeaseClaim lease => ((RedisValue)lease.Cap, (RedisValue)(long)lease.Ttl.TotalMilliseconds, (RedisValue)enforced),
                WindowClaim window => (window.Max, -Milliseconds(window), (2 * window.Cost) + enforced),
                _ => throw new ArgumentException($"Nobody knows how to claim a {claim.GetType().Name}", nameof(deciding)),
            };
        }

        return (keys, arguments);
    }

    private static long Milliseconds(WindowClaim window) => (long)window.Window.TotalMilliseconds;

    private static LeaseClaim[] Leases(IReadOnlyList<Claim> deciding, IReadOnlyList<Claim> shadow, out int real)
    {
        var leases = new List<LeaseClaim>(deciding.Count + shadow.Count);
        Add(leases, deciding);
        real = leases.Count;
        Add(leases, shadow);
        return leases.Count == 0 ? [] : [.. leases];
    }

    private static void Add(List<LeaseClaim> leases, IReadOnlyList<Claim> claims)
    {
        for (var n = 0; n < claims.Count; n++)
        {
            if (claims[n] is LeaseClaim lease)
            {
                leases.Add(lease);
            }
        }
    }
}

/// <summary>What a claim cost in the end.</summary>
internal readonly record struct Settlement(WindowClaim Window, long Spent);

using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Decides claims on limits that all replicas share. A decision is one script in one round trip, with the timeout
/// <see cref="RedisOptions.DecisionTimeoutMs"/>.
/// </summary>
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

    internal ClaimStore(
        GuardedRedis redis, LeaseKeeper keeper, LocalClaims local, ReplicaId replica, TimeProvider time, ReliabilityMetrics metrics)
    {
        (_redis, _keeper, _local, _time, _metrics) = (redis, keeper, local, time, metrics);
        _registry = RedisKeys.LeasesOf(replica.ToString());
    }

    /// <summary>Takes all claims or none. Reasons are reported in the order of the claims.</summary>
    /// <param name="holder">
    /// Identifies the holder of the leases. A second claim by the same holder on the same key reuses its lease. Contains no line breaks.
    /// </param>
    /// <param name="deciding">Claims that decide the outcome.</param>
    /// <param name="shadow">
    /// Claims under separate keys that only report what they would have decided. They take the same leases and counts as if they decided.
    /// </param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <param name="fallback">What happens when Redis does not respond in time.</param>
    /// <param name="replaces">
    /// A holder whose leases do not count, because the caller ends it when the claims are taken. Until then there is one holder more than
    /// the cap. Null: none.
    /// </param>
    /// <exception cref="OperationCanceledException">
    /// The caller cancelled. Leases that the script takes all the same are released.
    /// </exception>
    public async ValueTask<ClaimOutcome> TakeAsync(
        string holder,
        IReadOnlyList<Claim> deciding,
        IReadOnlyList<Claim> shadow,
        CancellationToken cancellationToken,
        RedisFallback fallback = RedisFallback.Refuse,
        string? replaces = null)
    {
        if (deciding.Count + shadow.Count == 0)
        {
            return new(ClaimStatus.Taken);
        }

        var start = _time.GetTimestamp();
        var outcome = await DecideAsync(holder, replaces, deciding, shadow, fallback, cancellationToken);
        outcome.RefusedBy?.OnRefused?.Invoke(outcome);
        _metrics.Decided(_time.GetElapsedTime(start), outcome.Local ? "local" : outcome.Status switch
        {
            ClaimStatus.Taken => "taken",
            ClaimStatus.Refused => "refused",
            _ => "unavailable",
        });
        return outcome;
    }

    /// <summary>
    /// Corrects the count of a window after the claim, even beyond its limit. Best effort: the correction in Redis is lost while Redis is
    /// unavailable.
    /// </summary>
    /// <param name="window">The claim that was taken.</param>
    /// <param name="difference">Actual cost minus claimed cost; negative when it cost less.</param>
    internal ValueTask SettleAsync(WindowClaim window, long difference) =>
        SettleAsync([new(new(window, _time.GetTimestamp(), Local: false), window.Cost + difference)]);

    /// <summary>Corrects the counts of several windows in one round trip.</summary>
    /// <param name="settlements">The claims that were taken, with their actual costs.</param>
    internal async ValueTask SettleAsync(IReadOnlyList<Settlement> settlements)
    {
        var keys = new List<RedisKey>(settlements.Count);
        var arguments = new List<RedisValue>(3 * settlements.Count);
        foreach (var ((window, takenAt, local), spent) in settlements)
        {
            var since = _time.GetElapsedTime(takenAt);
            if (spent != window.Cost)
            {
                _local.Settle(window, spent - window.Cost, since);
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

    /// <summary>
    /// Removes the costs of the claims from their windows. Best effort, like <see cref="SettleAsync(WindowClaim, long)"/>.
    /// </summary>
    internal ValueTask WithdrawAsync(IReadOnlyList<Claim> taken, long claimedAt, bool local) =>
        SettleAsync([.. taken.OfType<WindowClaim>().Select(window => new Settlement(new(window, claimedAt, local), 0))]);

    internal long Timestamp() => _time.GetTimestamp();

    private async ValueTask<ClaimOutcome> DecideAsync(
        string holder, string? replaces, IReadOnlyList<Claim> deciding, IReadOnlyList<Claim> shadow, RedisFallback fallback,
        CancellationToken cancellationToken)
    {
        RedisResult? response;
        ClaimOutcome? decided = null;
        _local.RequestStarted(deciding);
        try
        {
            var (keys, arguments) = BuildRequest(_registry, holder, deciding, shadow, forced: false, replaces);
            response = await _redis.EvaluateAsync(Script, keys, arguments, cancellationToken);
            if (response is not null)
            {
                // The leases are registered before the pending request stops counting (in the finally block). Otherwise a local decision
                // between the two steps would count neither.
                return decided = ReadResponse(holder, replaces, deciding, shadow, (int[])response!);
            }
        }
        catch (OperationCanceledException)
        {
            _keeper.ReleaseLater(holder, Leases(deciding, shadow, out _));
            throw;
        }
        finally
        {
            _local.RequestEnded(deciding, taken: decided is { Status: ClaimStatus.Taken });
        }

        // The request may still reach Redis and take leases that no caller knows. They are released, unless the local decision admits the
        // same holder.
        var outcome = fallback is RedisFallback.DecideLocally ? _local.Take(holder, deciding, replaces) : ClaimOutcome.Unavailable;
        if (outcome.Status is not ClaimStatus.Taken)
        {
            _keeper.ReleaseLater(holder, Leases(deciding, shadow, out _));
        }

        return outcome;
    }

    private ClaimOutcome ReadResponse(
        string holder, string? replaces, IReadOnlyList<Claim> deciding, IReadOnlyList<Claim> shadow, int[] response)
    {
        List<string>? softBlocked = null;
        List<string>? wouldBlock = null;
        for (var n = 0; n < deciding.Count + shadow.Count; n++)
        {
            if (response[4 + n] != 0)
            {
                if (n >= deciding.Count && shadow[n - deciding.Count].Enforced)
                {
                    (wouldBlock ??= []).Add(shadow[n - deciding.Count].Reason);
                }
                else if (n < deciding.Count && !deciding[n].Enforced)
                {
                    (softBlocked ??= []).Add(deciding[n].Reason);
                }
            }
        }

        var outcome = new ClaimOutcome(response[0] == 1 ? ClaimStatus.Taken : ClaimStatus.Refused)
        {
            SoftBlocked = softBlocked ?? (IReadOnlyList<string>)[],
            WouldBlock = wouldBlock ?? (IReadOnlyList<string>)[],
            Remaining = response[3] < 0 ? null : response[3],
            Response = response,
        };
        if (outcome.Status is ClaimStatus.Refused)
        {
            var refusing = deciding[response[1] - 1];
            return outcome with
            {
                RefusedBy = refusing,
                RetryAfter = response[2] >= 0 ? TimeSpan.FromMilliseconds(response[2]) : (refusing as LeaseClaim)?.RetryAfter,
            };
        }

        var leases = Leases(deciding, wouldBlock is null ? shadow : [], out var decidingCount);
        if (leases.Length == 0)
        {
            return outcome;
        }

        if (_local.TryRegister(holder, leases, decidingCount, replaces, out var full) is { } lease)
        {
            return outcome with { Lease = lease };
        }

        // Redis does not yet count the leases that this process took while Redis was unavailable. With them the limit is used up.
        _keeper.ReleaseLater(holder, leases);
        return outcome with { Status = ClaimStatus.Refused, RefusedBy = full, RetryAfter = full!.RetryAfter, Remaining = null };
    }

    /// <summary>Acquires again the leases of a turn that still runs but whose leases are missing in Redis.</summary>
    /// <param name="redis">The connection.</param>
    /// <param name="registry">Key of the hash that lists the leases of this replica.</param>
    /// <param name="lease">The leases.</param>
    /// <param name="forced">True: take them even beyond the limits, because Redis lost data and no other holder can have the slots.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <returns>True: acquired. False: refused. Null: no response.</returns>
    internal static async ValueTask<bool?> RetakeAsync(
        GuardedRedis redis, RedisKey registry, HeldLease lease, bool forced, CancellationToken cancellationToken)
    {
        var (keys, arguments) = BuildRequest(
            registry, lease.Holder, lease.Claims[..lease.Deciding], lease.Claims[lease.Deciding..], forced);
        return await redis.MaintainAsync(Script, keys, arguments, cancellationToken) is { } response ? ((int[])response!)[0] == 1 : null;
    }

    private static (RedisKey[] Keys, RedisValue[] Arguments) BuildRequest(
        RedisKey registry, string holder, IReadOnlyList<Claim> deciding, IReadOnlyList<Claim> shadow, bool forced, string? replaces = null)
    {
        var count = deciding.Count + shadow.Count;
        var keys = new RedisKey[1 + count];
        var arguments = new RedisValue[3 + (3 * count) + (replaces is null ? 0 : 1)];
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
                WindowClaim window => (window.Max, -Milliseconds(window), (2L * window.Cost) + enforced),
                _ => throw new ArgumentException($"Unsupported claim type {claim.GetType().Name}", nameof(deciding)),
            };
        }

        if (replaces is not null)
        {
            arguments[^1] = replaces;
        }

        return (keys, arguments);
    }

    private static long Milliseconds(WindowClaim window) => (long)window.Window.TotalMilliseconds;

    private static LeaseClaim[] Leases(IReadOnlyList<Claim> deciding, IReadOnlyList<Claim> shadow, out int decidingCount)
    {
        var leases = new List<LeaseClaim>(deciding.Count + shadow.Count);
        Add(leases, deciding);
        decidingCount = leases.Count;
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

/// <summary>A claim on a window that was taken.</summary>
/// <param name="TakenAt">Timestamp of the claim, from <see cref="ClaimStore.Timestamp"/>.</param>
/// <param name="Local">True: Redis was unavailable at the time of the claim, so Redis has counted nothing yet.</param>
internal readonly record struct TakenWindow(WindowClaim Window, long TakenAt, bool Local);

/// <summary>The actual cost of a claim, in the unit of its window.</summary>
internal readonly record struct Settlement(TakenWindow Taken, long Spent);

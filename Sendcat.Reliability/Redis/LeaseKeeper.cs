using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Tracing;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Renews every lease of this process and releases each once. A lease is renewed after a third of its TTL; leases are taken at different
/// moments, so the renewals spread over time. A lease that Redis lost is acquired again. A lease is reported as lost when another caller
/// revoked it, or when other holders took the slot while this process was suspended.
/// </summary>
internal sealed class LeaseKeeper : BackgroundService
{
    /// <summary>Most holders in one call to Redis, so that a decision behind it waits well under a millisecond.</summary>
    private const int BatchSize = 500;

    private const int MaxPendingReleases = 100_000;

    /// <summary>
    /// A release is repeated after this time, because a delayed claim of the same holder may reach Redis after the first release.
    /// </summary>
    private static readonly TimeSpan RepeatAfter = TimeSpan.FromSeconds(10);

    private static readonly RedisScript Renew = RedisScript.Embedded("renew.lua");
    private static readonly RedisScript Release = RedisScript.Embedded("release.lua");

    private readonly GuardedRedis _redis;
    private readonly IConnectionMultiplexer _connection;
    private readonly IOptionsMonitor<RedisOptions> _options;
    private readonly TimeProvider _time;
    private readonly ReliabilityMetrics _metrics;
    private readonly ILogger<LeaseKeeper> _logger;
    private readonly RedisKey _registry;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, HeldLease> _byHolder = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _perKey = new(StringComparer.Ordinal);
    private readonly PriorityQueue<PendingRelease, long> _pendingReleases = new();

    // Each round fills these lists again, and only the loop uses them. So the loop does not allocate tens of thousands of references every
    // second.
    private readonly List<HeldLease> _all = [];
    private readonly List<HeldLease> _round = [];
    private TimeSpan _shortestInterval = TimeSpan.FromSeconds(3);
    private int _held;
    private bool _subscribed;
    private bool _reconnected;

    public LeaseKeeper(
        GuardedRedis redis,
        IConnectionMultiplexer connection,
        ReplicaId replica,
        IOptionsMonitor<RedisOptions> options,
        TimeProvider time,
        ReliabilityMetrics metrics,
        ILogger<LeaseKeeper> logger)
    {
        (_redis, _connection, _options, _time, _metrics, _logger) = (redis, connection, options, time, metrics, logger);
        _registry = RedisKeys.LeasesOf(replica.ToString());
        metrics.Held(() => Volatile.Read(ref _held));
    }

    private sealed record PendingRelease(string Holder, LeaseClaim[] Claims, bool Repeat);

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

    /// <summary>Registers leases that were taken, and renews them from now on.</summary>
    /// <param name="holder">Identifies the holder.</param>
    /// <param name="claims">The leases; at least one.</param>
    /// <param name="deciding">How many of the claims, from the first, belong to the deciding group.</param>
    /// <param name="missing">True: Redis does not have the leases yet.</param>
    public HeldLease Register(string holder, LeaseClaim[] claims, int deciding, bool missing)
    {
        var now = _time.GetTimestamp();
        var lease = new HeldLease(this, holder, claims, deciding, missing, now);
        lease.RenewAt = now + Ticks(lease.RenewEvery);
        lock (_gate)
        {
            lease.Sibling = _byHolder.GetValueOrDefault(holder);
            _byHolder[holder] = lease;
            foreach (var claim in claims)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_perKey, claim.Key, out _)++;
            }

            _held++;
            _shortestInterval = lease.RenewEvery < _shortestInterval ? lease.RenewEvery : _shortestInterval;
        }

        return lease;
    }

    /// <summary>Releases a lease. The disposal of the lease calls it once.</summary>
    public async ValueTask ReleaseAsync(HeldLease lease)
    {
        Remove(lease);
        foreach (var claim in lease.Claims)
        {
            claim.OnReleased?.Invoke(_time.GetElapsedTime(lease.Since));
        }

        var response = await _redis.EvaluateAsync(Release, KeysOf(lease.Claims), [lease.Holder], CancellationToken.None);
        if (response is null || lease.Missing)
        {
            ReleaseLater(lease.Holder, lease.Claims);
        }
    }

    /// <summary>
    /// Queues a release of leases that may have been taken. The release is retried until Redis responds, and repeated once in case the
    /// claim itself was delayed.
    /// </summary>
    public void ReleaseLater(string holder, LeaseClaim[] claims)
    {
        if (claims.Length > 0)
        {
            Enqueue(new(holder, claims, Repeat: true), TimeSpan.Zero);
        }
    }

    /// <summary>Reports all leases of the holder as lost, because a caller revoked them.</summary>
    public void Revoke(string holder)
    {
        HeldLease? lease;
        lock (_gate)
        {
            lease = _byHolder.GetValueOrDefault(holder);
        }

        for (; lease is not null; lease = lease.Sibling)
        {
            MarkLost(lease, "it was revoked");
        }
    }

    /// <summary>
    /// Runs one round: sends the queued releases, renews the leases that are due, acquires again the leases that are missing in Redis.
    /// </summary>
    internal async Task RunRoundAsync(CancellationToken cancellationToken)
    {
        if (!_subscribed && _connection.IsConnected)
        {
            await _connection.GetSubscriber().SubscribeAsync(RedisKeys.LeasesRevoked, (_, holder) => Revoke(holder.ToString()));
            _subscribed = true;
        }

        await ReleasePendingAsync(cancellationToken);
        CollectLeases();
        await RenewDueAsync(cancellationToken);
        await RetakeMissingAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _connection.ConnectionRestored += (_, _) => Volatile.Write(ref _reconnected, true);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var before = _time.GetTimestamp();
                await Task.Delay(Period(), _time, stoppingToken);
                DetectSuspension(_time.GetElapsedTime(before));
                await RunRoundAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (RedisFailure.Is(exception))
            {
                // Redis is unavailable. The metrics already count it, and the next round tries again.
            }
#pragma warning disable CA1031 // Nothing else renews the leases: the loop must survive unexpected exceptions.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                _logger.LeaseUpkeepFailed(exception);
            }
        }
    }

    /// <summary>Releases the leases that are still held when the host stops, so that no other replica waits for their expiry.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        CollectLeases();
        foreach (var batch in _all.Chunk(BatchSize))
        {
            await Task.WhenAll(batch.Select(lease => lease.DisposeAsync().AsTask()));
        }

        await ReleasePendingAsync(cancellationToken);
    }

    private async Task RenewDueAsync(CancellationToken cancellationToken)
    {
        // After a reconnect Redis may have lost all data: all leases are renewed at once, which detects the missing ones.
        var all = Volatile.Read(ref _reconnected) && _connection.IsConnected;
        var now = _time.GetTimestamp();
        _round.Clear();
        foreach (var lease in _all)
        {
            if (!lease.Missing && (all || lease.RenewAt <= now))
            {
                _round.Add(lease);
            }
        }

        foreach (var batch in _round.Chunk(BatchSize))
        {
            var due = RenewalBatch.Of(batch);
            if (await _redis.MaintainAsync(Renew, due.Keys, due.Arguments, cancellationToken) is not { } response)
            {
                return;
            }

            foreach (var lease in batch)
            {
                lease.RenewAt = now + Ticks(lease.RenewEvery);
            }

            foreach (var number in (int[])response!)
            {
                due.Holders[number - 1].Missing = true;
            }

            foreach (var lease in batch)
            {
                lease.MayBeTakenOver &= lease.Missing;
            }
        }

        if (all)
        {
            Volatile.Write(ref _reconnected, false);
        }
    }

    private async Task RetakeMissingAsync(CancellationToken cancellationToken)
    {
        var missing = _all.FindAll(lease => lease.Missing && !lease.IsDisposed);
        if (missing.Count == 0 || !_connection.IsConnected)
        {
            return;
        }

        var (began, rebuilt) = (_time.GetUtcNow(), 0);
        foreach (var batch in missing.Chunk(BatchSize))
        {
            var retaken = await Task.WhenAll(batch.Select(lease => RetakeAsync(lease, cancellationToken)));
            rebuilt += retaken.Count(done => done is true);
            if (Array.Exists(retaken, done => done is null))
            {
                break;
            }
        }

        if (rebuilt > 0)
        {
            _metrics.Leases("rebuilt", rebuilt);
            BackgroundRound.Record("rebuild leases", began, ("sendcat.leases.count", rebuilt));
            _logger.LeasesRebuilt(rebuilt);
        }
    }

    private async Task<bool?> RetakeAsync(HeldLease lease, CancellationToken cancellationToken)
    {
        var marked = _redis.Database.KeyExistsAsync(RedisKeys.RevokedHolderPrefix + lease.Holder);
        if (await marked.WaitAsync(TimeSpan.FromSeconds(2), _time, cancellationToken))
        {
            MarkLost(lease, "it was revoked");
            return false;
        }

        var retaken = await ClaimStore.RetakeAsync(_redis, _registry, lease, forced: !lease.MayBeTakenOver, cancellationToken);
        if (retaken is true)
        {
            (lease.Missing, lease.MayBeTakenOver) = (false, false);
            if (lease.IsDisposed)
            {
                ReleaseLater(lease.Holder, lease.Claims);
            }
        }
        else if (retaken is false)
        {
            MarkLost(lease, "another holder has its slot");
        }

        return retaken;
    }

    private void MarkLost(HeldLease lease, string why)
    {
        if (Remove(lease))
        {
            _metrics.Leases("lost", 1);
            _logger.LeaseLost(lease.Holder, why);
            lease.SignalLost();
        }
    }

    private async Task ReleasePendingAsync(CancellationToken cancellationToken)
    {
        while (_connection.IsConnected && TryDequeue(out var batch))
        {
            var responses = await Task.WhenAll(
                batch.Select(it => _redis.MaintainAsync(Release, KeysOf(it.Claims), [it.Holder], cancellationToken).AsTask()));
            for (var n = 0; n < batch.Count; n++)
            {
                if (responses[n] is null || batch[n].Repeat)
                {
                    Enqueue(batch[n] with { Repeat = responses[n] is null && batch[n].Repeat }, responses[n] is null ? Period() : RepeatAfter);
                }
            }

            if (Array.Exists(responses, response => response is null))
            {
                return;
            }
        }
    }

    private void Enqueue(PendingRelease release, TimeSpan after)
    {
        lock (_pendingReleases)
        {
            // The queue is bounded, because Redis may be unavailable for long. The leases of a dropped release expire in Redis.
            if (_pendingReleases.Count >= MaxPendingReleases)
            {
                _pendingReleases.Dequeue();
            }

            _pendingReleases.Enqueue(release, _time.GetTimestamp() + Ticks(after));
        }
    }

    private bool TryDequeue(out List<PendingRelease> batch)
    {
        batch = [];
        lock (_pendingReleases)
        {
            var now = _time.GetTimestamp();
            while (batch.Count < BatchSize && _pendingReleases.TryPeek(out var next, out var at) && at <= now)
            {
                _pendingReleases.Dequeue();
                if (NotHeld(next) is { Claims.Length: > 0 } remaining)
                {
                    batch.Add(remaining);
                }
            }
        }

        return batch.Count > 0;
    }

    /// <summary>
    /// Removes the leases that the same holder has acquired since: a turn that was refused first and admitted at its second attempt keeps
    /// its slot.
    /// </summary>
    private PendingRelease NotHeld(PendingRelease release) =>
        release with { Claims = Array.FindAll(release.Claims, claim => !Holds(release.Holder, claim.Key)) };

    /// <returns>Whether the lease was still registered.</returns>
    private bool Remove(HeldLease lease)
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

                _held--;
                return true;
            }

            return false;
        }
    }

    private void CollectLeases()
    {
        _all.Clear();
        lock (_gate)
        {
            foreach (var first in _byHolder.Values)
            {
                for (var lease = first; lease is not null; lease = lease.Sibling)
                {
                    _all.Add(lease);
                }
            }
        }
    }

    /// <summary>
    /// Detects that this process was suspended for longer than <see cref="RedisOptions.ReplicaDeadAfterMs"/>. Other replicas may then have
    /// reaped its leases and given the slots to other holders.
    /// </summary>
    /// <param name="gap">Time that the last wait for a round took.</param>
    private void DetectSuspension(TimeSpan gap)
    {
        var suspended = gap - Period();
        if (suspended.TotalMilliseconds > _options.CurrentValue.ReplicaDeadAfterMs)
        {
            _logger.ProcessSuspended((long)suspended.TotalMilliseconds);
            CollectLeases();
            foreach (var lease in _all)
            {
                (lease.MayBeTakenOver, lease.RenewAt) = (true, 0);
            }
        }
    }

    private RedisKey[] KeysOf(LeaseClaim[] claims) => [_registry, .. claims.Select(claim => (RedisKey)claim.Key)];

    private TimeSpan Period() => _shortestInterval / 3 is var third && third < TimeSpan.FromSeconds(1) ? third : TimeSpan.FromSeconds(1);

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}

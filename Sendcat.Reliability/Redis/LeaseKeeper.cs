using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Timing;
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

    private readonly HeldLeases _leases = new();
    private readonly PendingReleases _pending;
    private readonly AutoResetSignal _release;

    // Each round fills these lists again, and only the loop uses them. So the loop does not allocate tens of thousands of references every
    // second.
    private readonly List<HeldLease> _all = [];
    private readonly List<HeldLease> _round = [];
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
        _pending = new(_leases, time);
        _release = new(time);
        metrics.Held(() => _leases.Count);
    }

    /// <inheritdoc cref="HeldLeases.HeldAt"/>
    public int HeldAt(string key) => _leases.HeldAt(key);

    /// <inheritdoc cref="HeldLeases.Holds"/>
    public bool Holds(string holder, string key) => _leases.Holds(holder, key);

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
        _leases.Add(lease);
        return lease;
    }

    /// <summary>Releases a lease. The disposal of the lease calls it once.</summary>
    public async ValueTask ReleaseAsync(HeldLease lease)
    {
        _leases.Remove(lease);
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
            _pending.Enqueue(new(holder, claims, Repeat: true), TimeSpan.Zero);
            _release.Set();
        }
    }

    /// <summary>Reports all leases of the holder as lost, because a caller revoked them.</summary>
    public void Revoke(string holder)
    {
        for (var lease = _leases.FirstOf(holder); lease is not null; lease = lease.Sibling)
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
        _leases.CopyTo(_all);
        await RenewDueAsync(cancellationToken);
        await RetakeMissingAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _connection.ConnectionRestored += (_, _) => Volatile.Write(ref _reconnected, true);
        return new BackgroundLoop("Upkeep of leases", _logger, _time).RepeatAsync(NextRoundAsync, stoppingToken);
    }

    /// <summary>Releases the leases that are still held when the host stops, so that no other replica waits for their expiry.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        _leases.CopyTo(_all);
        foreach (var batch in _all.Chunk(BatchSize))
        {
            await Task.WhenAll(batch.Select(lease => lease.DisposeAsync().AsTask()));
        }

        await ReleasePendingAsync(cancellationToken);
    }

    private async Task NextRoundAsync(CancellationToken cancellationToken)
    {
        var before = _time.GetTimestamp();
        await ReleaseUntilRoundAsync(before, cancellationToken);
        DetectSuspension(_time.GetElapsedTime(before));
        try
        {
            await RunRoundAsync(cancellationToken);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            // Redis is unavailable. The metrics already count it, and the next round tries again.
        }
    }

    /// <summary>
    /// Waits for the next round, and sends releases at once that are queued meanwhile. A claim that timed out may still take the leases:
    /// the next request of the same principal must not be refused because of them.
    /// </summary>
    private async Task ReleaseUntilRoundAsync(long began, CancellationToken cancellationToken)
    {
        var period = Period();
        while (period - _time.GetElapsedTime(began) is { Ticks: > 0 } rest && await _release.WaitAsync(rest, cancellationToken))
        {
            try
            {
                await ReleasePendingAsync(cancellationToken);
            }
            catch (Exception exception) when (RedisFailure.Is(exception))
            {
                // The next round tries again.
                return;
            }
        }
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
        if (_leases.Remove(lease))
        {
            _metrics.Leases("lost", 1);
            _logger.LeaseLost(lease.Holder, why);
            lease.SignalLost();
        }
    }

    private async Task ReleasePendingAsync(CancellationToken cancellationToken)
    {
        while (_connection.IsConnected && _pending.TryDequeue(BatchSize, out var batch))
        {
            var responses = await Task.WhenAll(
                batch.Select(it => _redis.MaintainAsync(Release, KeysOf(it.Claims), [it.Holder], cancellationToken).AsTask()));
            for (var n = 0; n < batch.Count; n++)
            {
                if (responses[n] is null || batch[n].Repeat)
                {
                    _pending.Enqueue(
                        batch[n] with { Repeat = responses[n] is null && batch[n].Repeat }, responses[n] is null ? Period() : RepeatAfter);
                }
            }

            if (Array.Exists(responses, response => response is null))
            {
                return;
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
            _leases.CopyTo(_all);
            foreach (var lease in _all)
            {
                (lease.MayBeTakenOver, lease.RenewAt) = (true, 0);
            }
        }
    }

    private RedisKey[] KeysOf(LeaseClaim[] claims) => [_registry, .. claims.Select(claim => (RedisKey)claim.Key)];

    private TimeSpan Period() =>
        _leases.ShortestInterval / 3 is var third && third < TimeSpan.FromSeconds(1) ? third : TimeSpan.FromSeconds(1);

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}

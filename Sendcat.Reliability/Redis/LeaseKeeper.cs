using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Tracing;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Keeps every lease of this process alive and gives each back once. A lease is renewed a third into its time; as each was taken at another moment, the work
/// spreads by itself. What Redis has forgotten is taken again; what somebody took away, or what others got while this process stood still, is lost.
/// </summary>
internal sealed class LeaseKeeper : BackgroundService
{
    /// <summary>Holders in one call: a decision that waits behind it waits well under a millisecond.</summary>
    private const int Batch = 500;

    private const int MostWaiting = 100_000;

    /// <summary>A release whose question may still be overtaken by an older one is repeated after this.</summary>
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
    private readonly PriorityQueue<GiveBack, long> _givingBack = new();

    // Filled anew by each round and used by its loop alone: tens of thousands of references are not allocated every second.
    private readonly List<HeldLease> _all = [];
    private readonly List<HeldLease> _round = [];
    private TimeSpan _shortest = TimeSpan.FromSeconds(3);
    private int _held;
    private bool _subscribed;
    private bool _reconnected;

    public LeaseKeeper(
        GuardedRedis redis, IConnectionMultiplexer connection, ReplicaId replica, IOptionsMonitor<RedisOptions> options, TimeProvider time, ReliabilityMetrics metrics, ILogger<LeaseKeeper> logger)
    {
        (_redis, _connection, _options, _time, _metrics, _logger) = (redis, connection, options, time, metrics, logger);
        _registry = RedisKeys.LeasesOf(replica.ToString());
        metrics.Held(() => Volatile.Read(ref _held));
    }

    private sealed record GiveBack(string Holder, LeaseClaim[] Claims, bool Repeat);

    /// <summary>How many places of this key this process keeps.</summary>
    public int HeldAt(string key)
    {
        lock (_gate)
        {
            return _perKey.GetValueOrDefault(key);
        }
    }

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

    /// <param name="deciding">How many of the claims, from the first, are no shadow.</param>
    /// <param name="missing">Redis does not have it yet.</param>
    public HeldLease Keep(string holder, LeaseClaim[] claims, int deciding, bool missing)
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
            _shortest = lease.RenewEvery < _shortest ? lease.RenewEvery : _shortest;
        }

        return lease;
    }

    /// <summary>Called once for each lease, by its disposal.</summary>
    public async ValueTask GiveBackAsync(HeldLease lease)
    {
        Forget(lease);
        foreach (var claim in lease.Claims)
        {
            claim.WhenGivenBack?.Invoke(_time.GetElapsedTime(lease.Since));
        }

        var known = await _redis.EvaluateAsync(Release, KeysOf(lease.Claims), [lease.Holder], CancellationToken.None);
        if (known is null || lease.Missing)
        {
            ReleaseLater(lease.Holder, lease.Claims);
        }
    }

    /// <summary>Remembers to give back what may have been taken; it is tried until Redis answers, and once more for a question that was still on its way.</summary>
    public void ReleaseLater(string holder, LeaseClaim[] claims)
    {
        if (claims.Length > 0)
        {
            Enqueue(new(holder, claims, Repeat: true), TimeSpan.Zero);
        }
    }

    /// <summary>Somebody took all leases of this holder away.</summary>
    public void Revoke(string holder)
    {
        HeldLease? lease;
        lock (_gate)
        {
            lease = _byHolder.GetValueOrDefault(holder);
        }

        for (; lease is not null; lease = lease.Sibling)
        {
            Lose(lease, "it was taken away");
        }
    }

    /// <summary>One round: renews what is due, takes again what Redis forgot, gives back what is waiting.</summary>
    internal async Task TendAsync(CancellationToken cancellationToken)
    {
        if (!_subscribed && _connection.IsConnected)
        {
            await _connection.GetSubscriber().SubscribeAsync(RedisKeys.LeasesTaken, (_, holder) => Revoke(holder.ToString()));
            _subscribed = true;
        }

        await GiveBackWaitingAsync(cancellationToken);
        Look();
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
                NoticeStandstill(_time.GetElapsedTime(before));
                await TendAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (RedisFailure.Is(exception))
            {
                // Away; the line has counted it, the next round tries again.
            }
#pragma warning disable CA1031 // Nobody else keeps the leases: the loop outlives its surprises.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                _logger.KeepingFailed(exception);
            }
        }
    }

    /// <summary>What is still held when the host stops is given back, so that no other replica waits for its expiry.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        Look();
        foreach (var some in _all.Chunk(Batch))
        {
            await Task.WhenAll(some.Select(lease => lease.DisposeAsync().AsTask()));
        }

        await GiveBackWaitingAsync(cancellationToken);
    }

    private async Task RenewDueAsync(CancellationToken cancellationToken)
    {
        // A Redis that comes back may have forgotten everything: all leases are looked after at once.
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

        foreach (var some in _round.Chunk(Batch))
        {
            var due = RenewalBatch.Of(some);
            if (await _redis.MaintainAsync(Renew, due.Keys, due.Arguments, cancellationToken) is not { } answer)
            {
                return;
            }

            foreach (var lease in some)
            {
                lease.RenewAt = now + Ticks(lease.RenewEvery);
            }

            foreach (var number in (int[])answer!)
            {
                due.Holders[number - 1].Missing = true;
            }

            foreach (var lease in some)
            {
                lease.MayBeOthers &= lease.Missing;
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
        foreach (var some in missing.Chunk(Batch))
        {
            var retaken = await Task.WhenAll(some.Select(lease => RetakeAsync(lease, cancellationToken)));
            rebuilt += retaken.Count(done => done is true);
            if (Array.Exists(retaken, done => done is null))
            {
                break;
            }
        }

        if (rebuilt > 0)
        {
            _metrics.Leases("rebuilt", rebuilt);
            BackgroundRound.Did("rebuild leases", began, ("sendcat.leases.count", rebuilt));
            _logger.LeasesRebuilt(rebuilt);
        }
    }

    private async Task<bool?> RetakeAsync(HeldLease lease, CancellationToken cancellationToken)
    {
        if (await _redis.Database.KeyExistsAsync(RedisKeys.Taken + lease.Holder).WaitAsync(TimeSpan.FromSeconds(2), _time, cancellationToken))
        {
            Lose(lease, "it was taken away");
            return false;
        }

        var retaken = await ClaimStore.RetakeAsync(_redis, _registry, lease, forced: !lease.MayBeOthers, cancellationToken);
        if (retaken is true)
        {
            (lease.Missing, lease.MayBeOthers) = (false, false);
            if (lease.IsDisposed)
            {
                ReleaseLater(lease.Holder, lease.Claims);
            }
        }
        else if (retaken is false)
        {
            Lose(lease, "others have its place");
        }

        return retaken;
    }

    private void Lose(HeldLease lease, string why)
    {
        if (Forget(lease))
        {
            _metrics.Leases("lost", 1);
            _logger.LeaseLost(lease.Holder, why);
            lease.SignalLost();
        }
    }

    private async Task GiveBackWaitingAsync(CancellationToken cancellationToken)
    {
        while (_connection.IsConnected && TryDequeue(out var some))
        {
            var known = await Task.WhenAll(some.Select(it => _redis.MaintainAsync(Release, KeysOf(it.Claims), [it.Holder], cancellationToken).AsTask()));
            for (var n = 0; n < some.Count; n++)
            {
                if (known[n] is null || some[n].Repeat)
                {
                    Enqueue(some[n] with { Repeat = known[n] is null && some[n].Repeat }, known[n] is null ? Period() : RepeatAfter);
                }
            }

            if (Array.Exists(known, answer => answer is null))
            {
                return;
            }
        }
    }

    private void Enqueue(GiveBack giveBack, TimeSpan after)
    {
        lock (_givingBack)
        {
            // A long absence of Redis must not fill the memory: what is dropped here runs out by itself.
            if (_givingBack.Count >= MostWaiting)
            {
                _givingBack.Dequeue();
            }

            _givingBack.Enqueue(giveBack, _time.GetTimestamp() + Ticks(after));
        }
    }

    private bool TryDequeue(out List<GiveBack> some)
    {
        some = [];
        lock (_givingBack)
        {
            var now = _time.GetTimestamp();
            while (some.Count < Batch && _givingBack.TryPeek(out var next, out var at) && at <= now)
            {
                _givingBack.Dequeue();
                if (NotHeld(next) is { Claims.Length: > 0 } left)
                {
                    some.Add(left);
                }
            }
        }

        return some.Count > 0;
    }

    /// <summary>Without what the same holder has got since: a turn that was refused once and came in at its second try keeps its place.</summary>
    private GiveBack NotHeld(GiveBack giveBack) => giveBack with { Claims = Array.FindAll(giveBack.Claims, claim => !Holds(giveBack.Holder, claim.Key)) };

    /// <returns>Whether it was still kept.</returns>
    private bool Forget(HeldLease lease)
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

    private void Look()
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

    /// <summary>A process that stood still longer than the others wait may have been buried: its places may have been given to others.</summary>
    private void NoticeStandstill(TimeSpan gap)
    {
        var still = gap - Period();
        if (still.TotalMilliseconds > _options.CurrentValue.ReplicaDeadAfterMs)
        {
            _logger.StoodStill((long)still.TotalMilliseconds);
            Look();
            foreach (var lease in _all)
            {
                (lease.MayBeOthers, lease.RenewAt) = (true, 0);
            }
        }
    }

    private RedisKey[] KeysOf(LeaseClaim[] claims) => [_registry, .. claims.Select(claim => (RedisKey)claim.Key)];

    private TimeSpan Period() => _shortest / 3 is var third && third < TimeSpan.FromSeconds(1) ? third : TimeSpan.FromSeconds(1);

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}

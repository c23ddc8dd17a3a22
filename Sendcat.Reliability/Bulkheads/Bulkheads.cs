using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Providers;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>
/// The bulkheads of the providers. All replicas share the slots of a bulkhead. A slot is held for as long as the provider is used.
/// </summary>
public sealed class Bulkheads
{
    /// <summary>The reason of a refusal when the claim is decided together with others.</summary>
    public const string Reason = "bulkhead_saturated";

    private static readonly RedisScript Counting = RedisScript.Embedded("inflight.lua");

    private readonly ClaimStore _claims;
    private readonly GuardedRedis _redis;
    private readonly LeaseKeeper _keeper;
    private readonly SlotTurnover _turnover;
    private readonly ProviderCatalog _providers;
    private readonly IOptionsMonitor<BulkheadOptions> _options;
    private readonly ReliabilityMetrics _metrics;
    private readonly ILogger<Bulkheads> _logger;

    internal Bulkheads(
        ClaimStore claims,
        GuardedRedis redis,
        LeaseKeeper keeper,
        SlotTurnover turnover,
        ProviderCatalog providers,
        IOptionsMonitor<BulkheadOptions> options,
        ReliabilityMetrics metrics,
        ILogger<Bulkheads> logger)
    {
        (_claims, _redis, _keeper, _turnover, _providers) = (claims, redis, keeper, turnover, providers);
        (_options, _metrics, _logger) = (options, metrics, logger);
    }

    /// <summary>The present limits of a provider's bulkhead.</summary>
    /// <exception cref="ArgumentException">No provider of this name is registered.</exception>
    public BulkheadLimits LimitsOf(string provider)
    {
        var limits = _providers.LimitsOf(provider);
        return new(limits.MaxConcurrent, TimeSpan.FromMilliseconds(limits.LeaseTtlMs));
    }

    /// <summary>A claim for a slot of the provider's bulkhead, to be decided together with other claims.</summary>
    public LeaseClaim Claim(string provider)
    {
        var limits = LimitsOf(provider);
        return new(Reason, RedisKeys.Bulkhead(provider), limits.MaxConcurrent, limits.LeaseTtl)
        {
            RetryAfter = _turnover.NextFree(provider, limits.MaxConcurrent),
            OnReleased = _turnover.ReleaseObserver(provider),
            OnRefused = _ => Saturated(provider),
        };
    }

    /// <summary>Acquires a slot, without waiting for one. Without Redis only the slots of this process count.</summary>
    /// <param name="provider">Name of the bulkhead.</param>
    /// <param name="holder">Identifies the holder; unique per use.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled before Redis responded. No slot is held.</exception>
    public async ValueTask<BulkheadEntry> AcquireAsync(string provider, string holder, CancellationToken cancellationToken)
    {
        var claim = Claim(provider);
        var outcome = await _claims.TakeAsync(holder, [claim], [], cancellationToken, RedisFallback.DecideLocally);
        return outcome.Status is ClaimStatus.Taken
            ? new(new BulkheadLease(outcome.Lease!), TimeSpan.Zero)
            : new(null, claim.RetryAfter!.Value);
    }

    /// <summary>Slots in use now per bulkhead, over all replicas; of this process only when Redis is unavailable.</summary>
    public async ValueTask<IReadOnlyDictionary<string, int>> InFlightAsync(CancellationToken cancellationToken)
    {
        var counts = await Task.WhenAll(_providers.All.Select(provider => CountAsync(provider.Name, cancellationToken)));
        return _providers.All.Zip(counts).ToDictionary(pair => pair.First.Name, pair => pair.Second, StringComparer.Ordinal);
    }

    private void Saturated(string provider)
    {
        _metrics.Saturated(provider);
        if (_turnover.MayReport(provider, TimeSpan.FromMilliseconds(_options.CurrentValue.SentryCooldownMs)))
        {
            _logger.BulkheadSaturated(provider, LimitsOf(provider).MaxConcurrent);
        }
    }

    private async Task<int> CountAsync(string provider, CancellationToken cancellationToken) =>
        await _redis.EvaluateAsync(Counting, [RedisKeys.Bulkhead(provider)], [], cancellationToken) is { } response
            ? (int)response
            : _keeper.HeldAt(RedisKeys.Bulkhead(provider));
}

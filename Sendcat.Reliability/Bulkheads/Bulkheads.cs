using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>Lanes to the providers, with a number of places that all replicas share. A place is held for as long as the provider is used.</summary>
public sealed class Bulkheads
{
    /// <summary>What a refusal is called when the claim came along with others.</summary>
    public const string Reason = "bulkhead_saturated";

    /// <summary>Every lane by name.</summary>
    public static readonly IReadOnlyList<string> Providers =
        ["openrouter_chat_primary", "openrouter_chat_secondary", "openrouter_chat", "serper_search", "gmail_oauth", "ebay_search", "global_search"];

    private static readonly RedisScript Counting = RedisScript.Embedded("inflight.lua");

    private readonly ClaimStore _claims;
    private readonly GuardedRedis _redis;
    private readonly LeaseKeeper _keeper;
    private readonly SlotTurnover _turnover;
    private readonly IOptionsMonitor<BulkheadOptions> _options;
    private readonly ReliabilityMetrics _metrics;
    private readonly ILogger<Bulkheads> _logger;

    internal Bulkheads(
        ClaimStore claims, GuardedRedis redis, LeaseKeeper keeper, SlotTurnover turnover, IOptionsMonitor<BulkheadOptions> options, ReliabilityMetrics metrics, ILogger<Bulkheads> logger)
    {
        (_claims, _redis, _keeper, _turnover, _options, _metrics, _logger) = (claims, redis, keeper, turnover, options, metrics, logger);
    }

    /// <summary>A place in the provider's lane, to be decided together with other claims.</summary>
    public LeaseClaim Claim(string provider)
    {
        var lane = _options.CurrentValue.For(provider);
        return new(Reason, RedisKeys.Bulkhead(provider), lane.MaxConcurrent, lane.LeaseTtl)
        {
            RetryAfter = _turnover.NextFree(provider, lane.MaxConcurrent),
            WhenGivenBack = _turnover.Watch(provider),
            WhenRefused = _ => Saturated(provider),
        };
    }

    /// <summary>Takes a place. Without Redis this process's own places are what is counted.</summary>
    /// <param name="holder">Unique per use.</param>
    public async ValueTask<BulkheadEntry> AcquireAsync(string provider, string holder, CancellationToken cancellationToken)
    {
        var claim = Claim(provider);
        var outcome = await _claims.TakeAsync(holder, [claim], [], cancellationToken, RedisFallback.DecideLocally);
        return outcome.Status is ClaimStatus.Taken ? new(new BulkheadLease(outcome.Lease!), TimeSpan.Zero) : new(null, claim.RetryAfter!.Value);
    }

    /// <summary>Places taken now, over all replicas; of this process alone when Redis is away.</summary>
    public async ValueTask<IReadOnlyDictionary<string, int>> InFlightAsync(CancellationToken cancellationToken)
    {
        var counts = await Task.WhenAll(Providers.Select(provider => CountAsync(provider, cancellationToken)));
        return Providers.Zip(counts).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
    }

    private void Saturated(string provider)
    {
        _metrics.Saturated(provider);
        if (_turnover.MayReport(provider, TimeSpan.FromMilliseconds(_options.CurrentValue.SentryCooldownMs)))
        {
            _logger.LaneSaturated(provider, _options.CurrentValue.For(provider).MaxConcurrent);
        }
    }

    private async Task<int> CountAsync(string provider, CancellationToken cancellationToken) =>
        await _redis.EvaluateAsync(Counting, [RedisKeys.Bulkhead(provider)], [], cancellationToken) is { } answer ? (int)answer : _keeper.HeldAt(RedisKeys.Bulkhead(provider));
}

using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>
/// Most concurrent calls to each provider over all replicas, and most concurrent jobs of one worker process. Caps range to 100 000, because
/// a range to 500 would not allow the load of the capacity tiers.
/// </summary>
public sealed class BulkheadOptions
{
    /// <summary>Most concurrent streams of the primary chat route, over all replicas.</summary>
    [Knob("BULKHEAD_OR_PRI_MAX_CONCURRENT"), Range(1, 100_000)]
    public int OpenRouterPrimaryMaxConcurrent { get; set; } = 24;

    /// <summary>Time after the last renewal at which a slot for streams of the primary chat route expires.</summary>
    [Knob("BULKHEAD_OR_PRI_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int OpenRouterPrimaryLeaseTtlMs { get; set; } = 600_000;

    /// <summary>Most concurrent streams of the secondary chat route, over all replicas.</summary>
    [Knob("BULKHEAD_OR_SEC_MAX_CONCURRENT"), Range(1, 100_000)]
    public int OpenRouterSecondaryMaxConcurrent { get; set; } = 16;

    /// <summary>Time after the last renewal at which a slot for streams of the secondary chat route expires.</summary>
    [Knob("BULKHEAD_OR_SEC_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int OpenRouterSecondaryLeaseTtlMs { get; set; } = 600_000;

    /// <summary>Most concurrent chat streams under the legacy name, over all replicas.</summary>
    [Knob("BULKHEAD_OPENROUTER_MAX_CONCURRENT"), Range(1, 100_000)]
    public int OpenRouterMaxConcurrent { get; set; } = 24;

    /// <summary>Time after the last renewal at which a slot for chat streams under the legacy name expires.</summary>
    [Knob("BULKHEAD_OPENROUTER_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int OpenRouterLeaseTtlMs { get; set; } = 600_000;

    /// <summary>Most concurrent calls to Serper, over all replicas.</summary>
    [Knob("BULKHEAD_SERPER_MAX_CONCURRENT"), Range(1, 100_000)]
    public int SerperMaxConcurrent { get; set; } = 12;

    /// <summary>Time after the last renewal at which a slot for calls to Serper expires.</summary>
    [Knob("BULKHEAD_SERPER_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int SerperLeaseTtlMs { get; set; } = 60_000;

    /// <summary>Most concurrent calls to Google's OAuth endpoints, over all replicas.</summary>
    [Knob("BULKHEAD_GMAIL_OAUTH_MAX_CONCURRENT"), Range(1, 100_000)]
    public int GmailOAuthMaxConcurrent { get; set; } = 8;

    /// <summary>Time after the last renewal at which a slot for calls to Google's OAuth endpoints expires.</summary>
    [Knob("BULKHEAD_GMAIL_OAUTH_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int GmailOAuthLeaseTtlMs { get; set; } = 60_000;

    /// <summary>Most concurrent calls to eBay, over all replicas.</summary>
    [Knob("BULKHEAD_EBAY_MAX_CONCURRENT"), Range(1, 100_000)]
    public int EbayMaxConcurrent { get; set; } = 8;

    /// <summary>Time after the last renewal at which a slot for calls to eBay expires.</summary>
    [Knob("BULKHEAD_EBAY_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int EbayLeaseTtlMs { get; set; } = 60_000;

    /// <summary>Most concurrent calls to the global product search, over all replicas.</summary>
    [Knob("BULKHEAD_GLOBAL_SEARCH_MAX_CONCURRENT"), Range(1, 100_000)]
    public int GlobalSearchMaxConcurrent { get; set; } = 10;

    /// <summary>Time after the last renewal at which a slot for calls to the global product search expires.</summary>
    [Knob("BULKHEAD_GLOBAL_SEARCH_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int GlobalSearchLeaseTtlMs { get; set; } = 60_000;

    /// <summary>Most concurrent jobs of each worker process. Caps per tool and per class limit the jobs of all workers together.</summary>
    [Knob("BULKHEAD_TOOL_JOB_MAX"), Range(1, 100_000)]
    public int ToolJobMax { get; set; } = 6;

    /// <summary>
    /// Accepted for old deployments, without effect: a worker's slots end with its process, and its jobs have leases of their own.
    /// </summary>
    [Knob("BULKHEAD_TOOL_JOB_LEASE_MS"), Range(15_000, 1_800_000)]
    public int ToolJobLeaseMs { get; set; } = 60_000;

    /// <summary>At most one report of a full bulkhead per provider in this time.</summary>
    [Knob("BULKHEAD_SENTRY_COOLDOWN_MS"), Range(1_000, 600_000)]
    public int SentryCooldownMs { get; set; } = 60_000;

    /// <summary>The limits of a provider's bulkhead. An unknown name gets the limits of <c>global_search</c>.</summary>
    public BulkheadLimits For(string provider)
    {
        var (max, ttlMs) = provider switch
        {
            "openrouter_chat_primary" => (OpenRouterPrimaryMaxConcurrent, OpenRouterPrimaryLeaseTtlMs),
            "openrouter_chat_secondary" => (OpenRouterSecondaryMaxConcurrent, OpenRouterSecondaryLeaseTtlMs),
            "openrouter_chat" => (OpenRouterMaxConcurrent, OpenRouterLeaseTtlMs),
            "serper_search" => (SerperMaxConcurrent, SerperLeaseTtlMs),
            "gmail_oauth" => (GmailOAuthMaxConcurrent, GmailOAuthLeaseTtlMs),
            "ebay_search" => (EbayMaxConcurrent, EbayLeaseTtlMs),
            _ => (GlobalSearchMaxConcurrent, GlobalSearchLeaseTtlMs),
        };
        return new(max, TimeSpan.FromMilliseconds(ttlMs));
    }
}

/// <summary>The limits of a bulkhead.</summary>
/// <param name="MaxConcurrent">Number of slots, ≥ 1.</param>
/// <param name="LeaseTtl">Time after the last renewal at which a slot's lease expires.</param>
public readonly record struct BulkheadLimits(int MaxConcurrent, TimeSpan LeaseTtl);

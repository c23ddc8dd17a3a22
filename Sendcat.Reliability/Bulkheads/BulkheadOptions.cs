using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>How much of each provider all replicas together may use at once, and how much one worker does at once. Caps range to 100 000: the log's 500 would forbid its own milestones.</summary>
public sealed class BulkheadOptions
{
    /// <summary>At most so many streams of the primary chat route at once.</summary>
    [Knob("BULKHEAD_OR_PRI_MAX_CONCURRENT"), Range(1, 100_000)]
    public int OpenRouterPrimaryMaxConcurrent { get; set; } = 24;

    /// <summary>How long a place among the streams of the primary chat route outlives its holder's last sign of life.</summary>
    [Knob("BULKHEAD_OR_PRI_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int OpenRouterPrimaryLeaseTtlMs { get; set; } = 600_000;

    /// <summary>At most so many streams of the secondary chat route at once.</summary>
    [Knob("BULKHEAD_OR_SEC_MAX_CONCURRENT"), Range(1, 100_000)]
    public int OpenRouterSecondaryMaxConcurrent { get; set; } = 16;

    /// <summary>How long a place among the streams of the secondary chat route outlives its holder's last sign of life.</summary>
    [Knob("BULKHEAD_OR_SEC_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int OpenRouterSecondaryLeaseTtlMs { get; set; } = 600_000;

    /// <summary>At most so many chat streams under the legacy name at once.</summary>
    [Knob("BULKHEAD_OPENROUTER_MAX_CONCURRENT"), Range(1, 100_000)]
    public int OpenRouterMaxConcurrent { get; set; } = 24;

    /// <summary>How long a place among the chat streams under the legacy name outlives its holder's last sign of life.</summary>
    [Knob("BULKHEAD_OPENROUTER_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int OpenRouterLeaseTtlMs { get; set; } = 600_000;

    /// <summary>At most so many calls to Serper at once.</summary>
    [Knob("BULKHEAD_SERPER_MAX_CONCURRENT"), Range(1, 100_000)]
    public int SerperMaxConcurrent { get; set; } = 12;

    /// <summary>How long a place among the calls to Serper outlives its holder's last sign of life.</summary>
    [Knob("BULKHEAD_SERPER_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int SerperLeaseTtlMs { get; set; } = 60_000;

    /// <summary>At most so many calls to Google's OAuth endpoints at once.</summary>
    [Knob("BULKHEAD_GMAIL_OAUTH_MAX_CONCURRENT"), Range(1, 100_000)]
    public int GmailOAuthMaxConcurrent { get; set; } = 8;

    /// <summary>How long a place among the calls to Google's OAuth endpoints outlives its holder's last sign of life.</summary>
    [Knob("BULKHEAD_GMAIL_OAUTH_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int GmailOAuthLeaseTtlMs { get; set; } = 60_000;

    /// <summary>At most so many calls to eBay at once.</summary>
    [Knob("BULKHEAD_EBAY_MAX_CONCURRENT"), Range(1, 100_000)]
    public int EbayMaxConcurrent { get; set; } = 8;

    /// <summary>How long a place among the calls to eBay outlives its holder's last sign of life.</summary>
    [Knob("BULKHEAD_EBAY_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int EbayLeaseTtlMs { get; set; } = 60_000;

    /// <summary>At most so many calls to the global product search at once.</summary>
    [Knob("BULKHEAD_GLOBAL_SEARCH_MAX_CONCURRENT"), Range(1, 100_000)]
    public int GlobalSearchMaxConcurrent { get; set; } = 10;

    /// <summary>How long a place among the calls to the global product search outlives its holder's last sign of life.</summary>
    [Knob("BULKHEAD_GLOBAL_SEARCH_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int GlobalSearchLeaseTtlMs { get; set; } = 60_000;

    /// <summary>At most so many jobs at once in each worker process; what all together may run is capped by tool and class.</summary>
    [Knob("BULKHEAD_TOOL_JOB_MAX"), Range(1, 100_000)]
    public int ToolJobMax { get; set; } = 6;

    /// <summary>Accepted for old deployments: a worker's places die with it, and its jobs outlive it by their own leases.</summary>
    [Knob("BULKHEAD_TOOL_JOB_LEASE_MS"), Range(15_000, 1_800_000)]
    public int ToolJobLeaseMs { get; set; } = 60_000;

    /// <summary>At most one saturation report per provider in this time.</summary>
    [Knob("BULKHEAD_SENTRY_COOLDOWN_MS"), Range(1_000, 600_000)]
    public int SentryCooldownMs { get; set; } = 60_000;

    /// <summary>The lane of a provider by its name; a name that is not known gets the size of <c>global_search</c>.</summary>
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

public readonly record struct BulkheadLimits(int MaxConcurrent, TimeSpan LeaseTtl);

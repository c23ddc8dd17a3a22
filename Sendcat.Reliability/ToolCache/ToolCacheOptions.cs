using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.ToolCache;

/// <summary>Settings of the tool cache that all kinds of results share. The TTL and the version of a kind are knobs of its tool.</summary>
public sealed class ToolCacheOptions
{
    /// <summary>Time after the TTL for which a stale result may still be served while the upstream fails.</summary>
    [Knob("TOOL_CACHE_STALE_MS"), Range(0, 86_400_000)]
    public int StaleMs { get; set; } = 1_800_000;
}

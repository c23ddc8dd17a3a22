using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>Settings that all bulkheads share, and the slots of a worker process. The caps are knobs of each provider.</summary>
public sealed class BulkheadOptions
{
    /// <summary>Most concurrent jobs of each worker process. Caps per tool and per class limit the jobs of all workers together.</summary>
    [Knob("BULKHEAD_TOOL_JOB_MAX"), Range(1, 100_000)]
    public int ToolJobMax { get; set; } = 6;

    /// <summary>The slots of a worker end with its process, and its jobs have leases of their own (<c>TOOL_JOB_LEASE_MS</c>).</summary>
    [Knob("BULKHEAD_TOOL_JOB_LEASE_MS", WithoutEffect = true), Range(15_000, 1_800_000)]
    public int ToolJobLeaseMs { get; set; } = 60_000;

    /// <summary>At most one report of a full bulkhead per provider in this time.</summary>
    [Knob("BULKHEAD_SENTRY_COOLDOWN_MS"), Range(1_000, 600_000)]
    public int SentryCooldownMs { get; set; } = 60_000;
}

/// <param name="MaxConcurrent">Number of slots, ≥ 1.</param>
/// <param name="LeaseTtl">Time after the last renewal at which a slot's lease expires.</param>
public readonly record struct BulkheadLimits(int MaxConcurrent, TimeSpan LeaseTtl);

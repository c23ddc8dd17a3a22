using System.Diagnostics.Metrics;

namespace Sendcat.Reliability.ToolCache;

/// <summary>The meter <c>Sendcat.ToolCache</c>.</summary>
internal sealed class ToolCacheMetrics(IMeterFactory meters)
{
    public const string MeterName = "Sendcat.ToolCache";

    private readonly Counter<long> _reads = meters.Create(MeterName).CreateCounter<long>(
        "sendcat.tool_cache.reads", description: "By namespace and outcome: hit, miss, stale (past its time), away (Redis gave no answer)");

    private readonly Counter<long> _writes = meters.Create(MeterName).CreateCounter<long>(
        "sendcat.tool_cache.writes", description: "By namespace and outcome: kept, too_large, away");

    public void Read(string space, string outcome) => _reads.Add(1, new("namespace", space), new("outcome", outcome));

    public void Written(string space, string outcome) => _writes.Add(1, new("namespace", space), new("outcome", outcome));
}

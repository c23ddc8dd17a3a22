using Sendcat.Integrations.Tools;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.ToolJobs.Bulk;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.ApiService.Ops;

/// <summary>The circuits of the providers that the jobs of a lane call.</summary>
internal static class UpstreamCircuits
{
    private const string Closed = "closed";
    private const string HalfOpen = "half_open";

    private static readonly Dictionary<ToolLane, string[]> Providers = QueuedTool.All.Select(tool => (tool.Lane, tool.Providers))
        .Concat(QueuedWork.All.Select(work => (work.Lane, work.Providers)))
        .ToDictionary(lane => lane.Lane, lane => lane.Providers.Select(provider => provider.Name).ToArray());

    /// <summary>The first circuit of the lane that is open, else the first one that is half-open; null: all are closed.</summary>
    public static LaneObstacle? Of(ToolLane lane, IReadOnlyList<CircuitReading> circuits)
    {
        var barring = circuits.Where(
            circuit => circuit.State != Closed && Providers[lane].Contains(circuit.Provider, StringComparer.Ordinal))
            .OrderBy(circuit => circuit.State == HalfOpen).FirstOrDefault();
        return barring is null ? null : new(barring.Provider, MayProbe: barring.State == HalfOpen);
    }
}

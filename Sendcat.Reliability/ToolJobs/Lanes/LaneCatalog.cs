using System.Diagnostics.CodeAnalysis;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.ToolJobs.Lanes;

/// <summary>The lanes of this program, as they were registered.</summary>
public sealed class LaneCatalog
{
    private readonly Dictionary<string, ToolLane> _byTool;
    private readonly CurrentKnobs _knobs;

    /// <exception cref="ArgumentException">Two lanes have the same name or the same number.</exception>
    public LaneCatalog(IEnumerable<ToolLane> lanes, CurrentKnobs knobs)
    {
        (All, _knobs) = ([.. lanes.OrderBy(lane => lane.Qos.Number).ThenBy(lane => lane.Number)], knobs);
        _byTool = All.ToDictionary(lane => lane.Tool, StringComparer.Ordinal);
        if (All.DistinctBy(lane => lane.Number).Count() != All.Count)
        {
            throw new ArgumentException($"Two of these lanes have the same number: {string.Join(", ", All.Select(lane => $"{lane} {lane.Number}"))}.", nameof(lanes));
        }
    }

    /// <summary>All lanes. The most urgent one is first.</summary>
    public IReadOnlyList<ToolLane> All { get; }

    /// <returns>False: this program has no lane for the tool.</returns>
    public bool TryFind(string tool, [NotNullWhen(true)] out ToolLane? lane) => _byTool.TryGetValue(tool, out lane);

    /// <summary>The present limits of a lane.</summary>
    public LaneLimits LimitsOf(ToolLane lane)
    {
        var caps = lane.Caps(_knobs);
        return new(caps.Queued, caps.Running, lane.Qos.RunMax(_knobs.Of<ToolJobOptions>()));
    }
}

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
            throw new ArgumentException(
                $"Two of these lanes have the same number: {string.Join(", ", All.Select(lane => $"{lane} {lane.Number}"))}.",
                nameof(lanes));
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

    /// <summary>The present delay of a job before its next attempt.</summary>
    /// <param name="lane">The lane of the job.</param>
    /// <param name="attempts">Attempts made so far, ≥ 1.</param>
    /// <param name="random">A random number in 0…1.</param>
    public TimeSpan RetryDelayOf(ToolLane lane, int attempts, double random) => lane.RetryDelays is { } delays
        ? delays(_knobs).After(attempts, random)
        : RetryBackoff.After(attempts, TimeSpan.FromMilliseconds(_knobs.Of<ToolJobOptions>().RetryBaseMs), random);

    /// <returns>The present thresholds of the lane's own alerts; null: it has none.</returns>
    public LaneThresholds? ThresholdsOf(ToolLane lane) => lane.Alerts?.Invoke(_knobs);
}

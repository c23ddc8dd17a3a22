using System.Collections.Immutable;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>
/// Whose turn it is when lanes want more places than there are (stride scheduling). Each turn moves a lane on by one over its weight, and the lane that is least far on goes
/// next: realtime gets six turns for three of interactive and one of batch, and batch is never left out.
/// </summary>
internal sealed record LaneSchedule(ImmutableDictionary<ToolLane, double> Positions, double Now)
{
    public static readonly LaneSchedule Start = new(ImmutableDictionary<ToolLane, double>.Empty, 0);

    /// <param name="waiting">At least one.</param>
    public (ToolLane Lane, LaneSchedule Then) Next(IEnumerable<ToolLane> waiting)
    {
        var next = waiting.MinBy(lane => (PositionOf(lane), lane.Qos));
        var position = PositionOf(next!);
        return (next!, new(Positions.SetItem(next!, position + (1.0 / Weight(next!.Qos))), position));
    }

    /// <summary>A lane that rested has not saved up turns.</summary>
    private double PositionOf(ToolLane lane) => Math.Max(Positions.GetValueOrDefault(lane), Now);

    private static int Weight(QosClass qos) => qos switch { QosClass.Realtime => 6, QosClass.Interactive => 3, _ => 1 };
}

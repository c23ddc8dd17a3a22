using System.Collections.Immutable;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>
/// Stride scheduling: decides which lane gets the next slot when the lanes want more slots than are free. Each assigned slot advances the
/// position of its lane by 1 / weight, and the lane with the lowest position is next. Realtime gets six slots for three of interactive and
/// one of batch, and batch never starves.
/// </summary>
internal sealed record LaneSchedule(ImmutableDictionary<ToolLane, double> Positions, double Now)
{
    public static readonly LaneSchedule Start = new(ImmutableDictionary<ToolLane, double>.Empty, 0);

    /// <summary>Chooses the lane for the next slot.</summary>
    /// <param name="waiting">The lanes that wait; at least one.</param>
    /// <returns>The lane, and the schedule after it.</returns>
    public (ToolLane Lane, LaneSchedule Then) Next(IEnumerable<ToolLane> waiting)
    {
        var next = waiting.MinBy(lane => (PositionOf(lane), lane.Qos.Number));
        var position = PositionOf(next!);
        return (next!, new(Positions.SetItem(next!, position + (1.0 / next!.Qos.Weight)), position));
    }

    /// <summary>The position of an idle lane does not fall behind, so idle time gives it no extra slots.</summary>
    private double PositionOf(ToolLane lane) => Math.Max(Positions.GetValueOrDefault(lane), Now);
}

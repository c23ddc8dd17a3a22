using System.Collections.Immutable;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>
/// Decides which lane gets the next slot when the lanes want more slots than are free. The most urgent class is first. A class that waits
/// is next when the more urgent waiting classes got their weights' worth of slots meanwhile, so while all classes wait realtime gets six
/// slots, interactive three and batch one, in this order of urgency, and none starves. The lanes of one class take turns.
/// </summary>
/// <param name="PassedOver">Of each waiting class: the number of slots that more urgent classes got since it waits.</param>
/// <param name="LastSlot">Of each lane: the number of its last slot.</param>
internal sealed record LaneSchedule(ImmutableDictionary<QosClass, int> PassedOver, ImmutableDictionary<ToolLane, long> LastSlot, long Slots)
{
    public static readonly LaneSchedule Start = new(ImmutableDictionary<QosClass, int>.Empty, ImmutableDictionary<ToolLane, long>.Empty, 0);

    /// <summary>Chooses the lane for the next slot.</summary>
    /// <param name="waiting">All lanes that wait; at least one. A class that is not among them has no claim to later slots.</param>
    /// <returns>The lane, and the schedule after it.</returns>
    public (ToolLane Lane, LaneSchedule Then) Next(IReadOnlyCollection<ToolLane> waiting)
    {
        var classes = waiting.Select(lane => lane.Qos).Distinct().OrderBy(qos => qos.Number).ToArray();
        var served = classes.FirstOrDefault(qos => IsOverdue(qos, classes)) ?? classes[0];
        var lane = waiting.Where(lane => lane.Qos == served).MinBy(lane => LastSlot.GetValueOrDefault(lane))!;
        return (lane, new(
            classes.Where(qos => qos != served).ToImmutableDictionary(
                qos => qos,
                qos => PassedOver.GetValueOrDefault(qos) + (served.Number < qos.Number ? 1 : 0)),
            LastSlot.SetItem(lane, Slots + 1),
            Slots + 1));
    }

    private bool IsOverdue(QosClass qos, QosClass[] waiting) =>
        waiting.Where(other => other.Number < qos.Number).Sum(other => other.Weight) is var urgent and > 0
        && PassedOver.GetValueOrDefault(qos) * qos.Weight >= urgent;
}

using CsCheck;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class LaneScheduleTests
{
    /// <summary>One lane of each class, the most urgent first.</summary>
    private static readonly ToolLane[] Lanes = [QueuedTool.SearchWeb.Lane, QueuedTool.SearchProducts.Lane, QueuedTool.SearchGlobal.Lane];

    [Fact]
    public void The_most_urgent_lane_goes_first_whatever_the_lanes_had_before()
    {
        var schedule = LaneSchedule.Start;
        for (var i = 0; i < 20; i++)
        {
            (_, schedule) = schedule.Next([QueuedTool.SearchWeb.Lane]);
        }

        Assert.Equal(QueuedTool.SearchWeb.Lane, schedule.Next([QueuedTool.SearchGlobal.Lane, QueuedTool.SearchWeb.Lane]).Lane);
        Assert.Equal(QueuedTool.SearchProducts.Lane, schedule.Next([QueuedTool.SearchGlobal.Lane, QueuedTool.SearchProducts.Lane]).Lane);
    }

    [Fact]
    public void Rounds_are_distributed_six_to_three_to_one()
    {
        var schedule = LaneSchedule.Start;
        var counts = Lanes.ToDictionary(lane => lane, _ => 0);

        for (var i = 0; i < 100; i++)
        {
            (var lane, schedule) = schedule.Next(Lanes);
            counts[lane]++;
        }

        Assert.Equal([60, 30, 10], Lanes.Select(lane => counts[lane]));
    }

    [Fact]
    public void Lanes_of_one_class_take_turns()
    {
        var other = QueuedTool.SearchWeb.Lane with { Tool = "search_news" };
        var (schedule, lanes) = (LaneSchedule.Start, new List<ToolLane>());
        for (var i = 0; i < 4; i++)
        {
            (var lane, schedule) = schedule.Next([QueuedTool.SearchWeb.Lane, other]);
            lanes.Add(lane);
        }

        Assert.Equal([QueuedTool.SearchWeb.Lane, other, QueuedTool.SearchWeb.Lane, other], lanes);
    }

    [Fact]
    public void An_idle_lane_accumulates_no_credit()
    {
        var schedule = LaneSchedule.Start;
        for (var i = 0; i < 1_000; i++)
        {
            (_, schedule) = schedule.Next([QueuedTool.SearchWeb.Lane]);
        }

        var lanes = new List<ToolLane>();
        for (var i = 0; i < 14; i++)
        {
            (var lane, schedule) = schedule.Next([QueuedTool.SearchWeb.Lane, QueuedTool.SearchGlobal.Lane]);
            lanes.Add(lane);
        }

        Assert.Equal(2, lanes.Count(lane => lane == QueuedTool.SearchGlobal.Lane));
    }

    [Fact]
    public void A_waiting_lane_is_skipped_at_most_10_times_in_a_row() =>
        Gen.Bool.Array[2].Array[50, 200].Sample(rounds =>
        {
            var (schedule, skipped) = (LaneSchedule.Start, 0);
            foreach (var others in rounds)
            {
                ToolLane[] waiting = [.. Lanes.Where((_, i) => i == 2 || others[i])];
                (var lane, schedule) = schedule.Next(waiting);
                skipped = lane == QueuedTool.SearchGlobal.Lane ? 0 : skipped + 1;
                Assert.InRange(skipped, 0, 10);
            }
        });
}

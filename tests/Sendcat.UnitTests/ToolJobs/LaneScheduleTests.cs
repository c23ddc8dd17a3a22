using CsCheck;
using Sendcat.Reliability.ToolJobs;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class LaneScheduleTests
{
    [Fact]
    public void Turns_go_six_to_three_to_one()
    {
        var turns = LaneSchedule.Start;
        var counts = ToolLane.All.ToDictionary(lane => lane, _ => 0);

        for (var i = 0; i < 100; i++)
        {
            (var lane, turns) = turns.Next(ToolLane.All);
            counts[lane]++;
        }

        Assert.Equal([60, 30, 10], ToolLane.All.Select(lane => counts[lane]));
    }

    [Fact]
    public void A_lane_that_rested_has_saved_up_nothing()
    {
        var turns = LaneSchedule.Start;
        for (var i = 0; i < 1_000; i++)
        {
            (_, turns) = turns.Next([ToolLane.SearchWeb]);
        }

        var lanes = new List<ToolLane>();
        for (var i = 0; i < 14; i++)
        {
            (var lane, turns) = turns.Next([ToolLane.SearchWeb, ToolLane.SearchGlobal]);
            lanes.Add(lane);
        }

        Assert.Equal(2, lanes.Count(lane => lane == ToolLane.SearchGlobal));
    }

    [Fact]
    public void A_waiting_lane_is_never_left_out_for_long() =>
        Gen.Bool.Array[2].Array[50, 200].Sample(rounds =>
        {
            var (turns, waited) = (LaneSchedule.Start, 0);
            foreach (var others in rounds)
            {
                ToolLane[] waiting = [.. ToolLane.All.Where((_, i) => i == 2 || others[i])];
                (var lane, turns) = turns.Next(waiting);
                waited = lane == ToolLane.SearchGlobal ? 0 : waited + 1;
                Assert.InRange(waited, 0, 12);
            }
        });
}

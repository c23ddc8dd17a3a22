using Sendcat.ApiService.Ops;
using Sendcat.Integrations.Tools;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.ToolJobs.Bulk;

namespace Sendcat.UnitTests.Ops;

/// <summary>Which circuits keep dead letters from being requeued.</summary>
public sealed class UpstreamCircuitsTests
{
    [Fact]
    public void Every_lane_waits_for_each_of_its_providers()
    {
        var needs = QueuedTool.All.Select(tool => (tool.Lane, tool.Providers))
            .Concat(QueuedWork.All.Select(work => (work.Lane, work.Providers)));

        Assert.All(needs, lane => Assert.All(lane.Providers, provider => Assert.Equal(
            new LaneObstacle(provider.Name, MayProbe: false),
            UpstreamCircuits.Of(lane.Lane, [Reading("another", "open"), Reading(provider.Name, "open")]))));
    }

    [Theory]
    [InlineData("closed", "closed", null)]
    [InlineData("half_open", "closed", true)]
    [InlineData("half_open", "open", false)]
    [InlineData("open", "half_open", false)]
    public void A_half_open_circuit_lets_one_letter_probe_unless_another_one_is_open(string first, string second, bool? mayProbe)
    {
        var (one, two) = (QueuedTool.SearchProducts.Providers[0].Name, QueuedTool.SearchProducts.Providers[1].Name);

        Assert.Equal(mayProbe, UpstreamCircuits.Of(QueuedTool.SearchProducts.Lane, [Reading(one, first), Reading(two, second)])?.MayProbe);
    }

    private static CircuitReading Reading(string provider, string state) => new(provider, state, 0, 0, null, null, null, null, null);
}

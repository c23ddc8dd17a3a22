using Sendcat.Reliability.Alerts;

namespace Sendcat.UnitTests.Reliability;

public sealed class QueueHealthTests
{
    private static readonly QueueState AtTheEdge = new(200, 20, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(300));

    [Fact]
    public void Values_equal_to_their_thresholds_are_ok()
    {
        var findings = QueueHealth.Evaluate(AtTheEdge, new());

        Assert.Equal(
            ["queued_depth", "dead_letter_depth", "oldest_queued_age", "oldest_running_age"], findings.Select(finding => finding.Kind));
        Assert.Equal([200, 20, 60_000, 300_000], findings.Select(finding => finding.Threshold));
        Assert.Equal("ok", QueueHealth.Level(findings));
    }

    [Theory]
    [InlineData("queued_depth")]
    [InlineData("dead_letter_depth")]
    [InlineData("oldest_queued_age")]
    [InlineData("oldest_running_age")]
    public void A_value_above_any_threshold_is_a_warning(string kind)
    {
        var state = kind switch
        {
            "queued_depth" => AtTheEdge with { Queued = 201 },
            "dead_letter_depth" => AtTheEdge with { DeadLetters = 21 },
            "oldest_queued_age" => AtTheEdge with { OldestQueued = TimeSpan.FromMilliseconds(60_001) },
            _ => AtTheEdge with { OldestRunning = TimeSpan.FromMilliseconds(300_001) },
        };

        var findings = QueueHealth.Evaluate(state, new());

        Assert.Equal(kind, Assert.Single(findings, finding => finding.IsExceeded).Kind);
        Assert.Equal("warning", QueueHealth.Level(findings));
    }
}

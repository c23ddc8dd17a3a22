using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.Outages;

namespace Sendcat.UnitTests.Reliability;

/// <summary>When repeated work logs that it fails, and that it works again.</summary>
public sealed class OutageTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger _logger = new();

    [Fact]
    public void An_outage_of_many_ticks_begins_once_and_ends_with_one_line()
    {
        var outage = new Outage("The journal", _logger, _time);
        outage.Ends();

        var begins = Enumerable.Range(0, 1000).Count(_ => Fails(outage));
        outage.Ends();
        outage.Ends();

        Assert.Equal(1, begins);
        var line = Assert.Single(_logger.Collector.GetSnapshot());
        Assert.Equal((2901, "The journal works again after 1000000 ms and 1000 failures"), (line.Id.Id, line.Message));
        Assert.True(Fails(outage));
    }

    [Fact]
    public void Work_of_several_parts_works_again_when_none_of_them_fails()
    {
        var outage = new Outage("The sweep", _logger, _time);

        Assert.Equal((true, false), (outage.Begins("leases"), outage.Begins("messages")));
        outage.Ends("expired jobs");
        outage.Ends("leases");
        Assert.Equal(0, _logger.Collector.Count);

        outage.Ends("messages");
        Assert.Equal(1, _logger.Collector.Count);
    }

    /// <summary>Records a failure, a second before the next record.</summary>
    private bool Fails(Outage outage)
    {
        var begins = outage.Begins();
        _time.Advance(TimeSpan.FromSeconds(1));
        return begins;
    }
}

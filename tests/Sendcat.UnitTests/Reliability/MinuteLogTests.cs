using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.Outages;

namespace Sendcat.UnitTests.Reliability;

public sealed class MinuteLogTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _lines = [];
    private readonly MinuteLog<string> _log;

    public MinuteLogTests() => _log = new(
        _time,
        (cause, number, example) => _lines.Add(string.Create(CultureInfo.InvariantCulture, $"{number} {cause}, for example {example}")));

    [Fact]
    public void A_minute_has_one_line_for_each_cause_however_often_it_occurs()
    {
        for (var turn = 0; turn < 500; turn++)
        {
            _log.Add(turn % 5 == 0 ? "timeout" : "status 503", $"turn {turn}");
        }

        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Empty(_lines);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(["400 status 503, for example turn 1", "100 timeout, for example turn 0"], _lines.Order().Reverse());
    }

    [Fact]
    public void A_minute_begins_with_an_occurrence_and_a_quiet_one_has_no_line()
    {
        _log.Add("status 503", "turn 1");
        _time.Advance(TimeSpan.FromMinutes(10));
        _log.Add("status 503", "turn 2");
        _time.Advance(TimeSpan.FromSeconds(30));
        _log.Add("status 503", "turn 3");
        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(["1 status 503, for example turn 1", "2 status 503, for example turn 2"], _lines);
    }

    [Fact]
    public void The_stop_of_the_host_does_not_lose_the_minute_that_runs()
    {
        _log.Add("status 503", "turn 1");

        _log.Dispose();
        _time.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(["1 status 503, for example turn 1"], _lines);
    }

    public void Dispose() => _log.Dispose();
}

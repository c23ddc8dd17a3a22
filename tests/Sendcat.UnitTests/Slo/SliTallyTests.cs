using Sendcat.ApiService.Http;
using Sendcat.Reliability.Slo;

namespace Sendcat.UnitTests.Slo;

/// <summary>The minutes of one replica in memory.</summary>
public sealed class SliTallyTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);
    private static readonly SliRequest Served = new(SliOutcome.Served);

    private readonly SliTally _tally = new(["/a", "/b"]);

    [Fact]
    public void A_minute_ends_when_the_next_one_begins_and_has_a_row_for_each_endpoint()
    {
        _tally.Add("/a", Served, Noon.AddSeconds(59.999));
        Assert.Empty(_tally.Ended());

        _tally.Touch(Noon.AddMinutes(1));

        Assert.Equal(
            [("/a", Noon, 1L), ("/b", Noon, 0L)],
            _tally.Ended().Select(minute => (minute.Endpoint, minute.Minute, minute.Counts.Served)));
    }

    [Fact]
    public void A_minute_without_a_sign_of_life_is_a_gap_and_a_quiet_one_is_not()
    {
        _tally.Touch(Noon);
        _tally.Touch(Noon.AddMinutes(1));

        // The process is suspended for two minutes.
        _tally.Touch(Noon.AddMinutes(4));
        _tally.End();

        Assert.Equal([0, 1, 4], _tally.Ended().Select(minute => (minute.Minute - Noon).TotalMinutes).Distinct());
    }

    [Fact]
    public void Minutes_stay_until_they_are_written_and_those_after_them_stay_as_well()
    {
        _tally.Touch(Noon);
        _tally.Touch(Noon.AddMinutes(1));
        var written = _tally.Ended();
        _tally.Touch(Noon.AddMinutes(2));

        _tally.Remove(written);

        Assert.Equal([Noon.AddMinutes(1)], _tally.Ended().Select(minute => minute.Minute).Distinct());
    }

    [Fact]
    public void Beyond_a_day_the_oldest_minutes_are_lost()
    {
        for (var minute = 0; minute <= SliTally.Capacity + 1; minute++)
        {
            _tally.Touch(Noon.AddMinutes(minute));
        }

        var ended = _tally.Ended();
        Assert.Equal((SliTally.Capacity * 2, Noon.AddMinutes(1)), (ended.Count, ended[0].Minute));
    }

    [Fact]
    public void A_clock_that_is_set_back_ends_no_minute_twice()
    {
        _tally.Add("/a", Served, Noon);
        _tally.Add("/a", Served, Noon.AddMinutes(-5));
        _tally.Touch(Noon.AddMinutes(1));

        Assert.Equal([2L], _tally.Ended().Where(minute => minute.Endpoint == "/a").Select(minute => minute.Counts.Served));
    }

    [Fact]
    public void Reasons_are_counted_and_their_number_is_bounded()
    {
        for (var reason = 0; reason < SliMinute.MaxReasons + 10; reason++)
        {
            _tally.Add("/a", new(SliOutcome.Failed, $"reason {reason}"), Noon);
        }

        _tally.Add("/a", new(SliOutcome.Shed, "reason 0"), Noon);
        _tally.End();

        var reasons = _tally.Ended()[0].Reasons;
        Assert.Equal((SliMinute.MaxReasons + 1, 2L, 10L), (reasons.Count, reasons["reason 0"], reasons[SliMinute.OtherReason]));
    }

    [Fact]
    public void An_endpoint_without_objectives_is_an_error() => Assert.Throws<ArgumentException>(() => _tally.Add("/c", Served, Noon));

    [Fact]
    public void The_measured_endpoints_are_those_of_the_policy() =>
        Assert.Equal(SloPolicy.Default.Endpoints.Keys.Order(), MeasuredEndpoint.All.Select(endpoint => endpoint.Path).Order());
}

using Sendcat.Reliability.Slo;

namespace Sendcat.UnitTests.Slo;

/// <summary>When the alerts of the objectives fire, on simulated minutes, in every tier.</summary>
public sealed class SloEvaluationTests
{
    private const int Day = 24 * 60;

    public static TheoryData<string> Tiers => [.. SloPolicy.Default.Tiers.Keys];

    [Theory]
    [MemberData(nameof(Tiers))]
    public void One_failure_of_three_requests_alerts_nobody(string tier) =>
        Assert.Empty(SloCases.OneFailureOfThree(tier).EverFired());

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Nine_failures_of_ten_at_one_request_in_ten_seconds_page_within_seventy_minutes(string tier)
    {
        Assert.InRange(SloCases.NineOfTen(tier, goodMinutes: Day).MinutesToPage(Day) ?? int.MaxValue, 1, 70);
        Assert.InRange(SloCases.NineOfTen(tier, goodMinutes: 0).MinutesToPage(0) ?? int.MaxValue, 1, 70);
    }

    [Theory]
    [MemberData(nameof(Tiers))]
    public void A_full_outage_pages_within_five_minutes_at_every_rate_from_one_request_in_ten_seconds(string tier)
    {
        foreach (var requests in SloCases.OutageRates)
        {
            // The page comes with the record of the last whole minute within five.
            Assert.InRange(SloCases.FullOutage(tier, requests).MinutesToPage(Day) ?? int.MaxValue, 1, 4);
        }
    }

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Six_failures_in_a_row_page_although_there_is_one_request_in_ten_minutes(string tier) =>
        Assert.InRange(SloCases.SparseOutage(tier).MinutesToPage(Day) ?? int.MaxValue, 31, 70);

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Seven_quiet_days_alert_nobody(string tier)
    {
        var traffic = SloCases.QuietDays(tier);

        Assert.Empty(traffic.EverFired());
        Assert.InRange(traffic.Standing().BudgetLeft!.Value, 0.3, 0.7);
    }

    [Theory]
    [InlineData(14.4, 60, "burn_14.4")]
    [InlineData(6, 360, "burn_6")]
    [InlineData(3, 1440, "burn_3")]
    [InlineData(1, 4320, "burn_1")]
    public void Each_rate_alerts_when_the_budget_burns_faster_and_not_before(double rate, int window, string name)
    {
        Assert.Contains(SloCases.AtRate(rate, window, failuresOver: 1).Firing(), alert => alert.Alert == name);
        Assert.DoesNotContain(SloCases.AtRate(rate, window, failuresOver: 0).Firing(), alert => alert.Alert == name);
    }

    [Fact]
    public void An_alert_ends_when_the_short_window_is_good_again()
    {
        var traffic = SloCases.LateOutage("L");
        Assert.Contains(traffic.Firing(), alert => alert.Alert == "burn_14.4");

        traffic.Add(5, 100, 0);

        Assert.DoesNotContain(traffic.Firing(), alert => alert.Alert is "burn_14.4" or "absolute_3m");
    }

    [Fact]
    public void A_slow_first_token_pages_although_no_request_fails() =>
        Assert.Equal([("/api/chat first_token", "absolute_3m", SloSeverity.Page)], SloCases.SlowFirstToken("L").Firing());

    [Fact]
    public void Requests_that_are_shed_rejected_or_aborted_burn_no_budget()
    {
        var refused = new SliCounts();
        refused.Add(SliOutcome.Served, 1);
        refused.Add(SliOutcome.Shed, 1_000);
        refused.Add(SliOutcome.Rejected, 1_000);
        refused.Add(SliOutcome.Aborted, 1_000);

        var report = new SimulatedTraffic("L").Add(refused).Judge();

        Assert.Equal(1, report.Objectives[0].BudgetLeft);
        Assert.Equal(1_000 / 1_001.0, report.Endpoints[0].TooManyRequestsRate!.Value, 6);
    }

    [Fact]
    public void A_gap_is_unknown_and_neither_good_nor_bad()
    {
        var traffic = SloCases.OutageWithGap("L");
        Assert.All(
            traffic.Standing().Alerts.Where(alert => alert.Name is "burn_14.4" or "absolute_3m"),
            alert => Assert.Equal(SloAlertState.Unknown, alert.State));
        Assert.Equal(SloLevelState.Unknown, traffic.Judge().Endpoints[0].Level);

        traffic.Add(1, 100, 100);

        // Of the last hour, 5 minutes of the outage and this one are known; and nothing is assumed about the gap.
        var burning = traffic.Standing().Alerts.Single(alert => alert.Name == "burn_14.4");
        Assert.Equal((SloAlertState.Firing, 5L, 500L, 500L), (burning.State, burning.Long.Covered, burning.Long.Total, burning.Long.Bad));
    }

    [Fact]
    public void A_recorded_minute_without_requests_is_not_a_gap()
    {
        var alert = new SimulatedTraffic("L").Add(Day, 0, 0).Standing().Alerts[0];

        Assert.Equal((SloAlertState.Quiet, 60L, 0L, null), (alert.State, alert.Long.Covered, alert.Long.Total, alert.Long.Rate));
    }

    [Fact]
    public void The_budget_that_is_left_counts_the_whole_period()
    {
        // Every twentieth minute of the last day fails: 72 of 43 200 minutes, and tier L allows 216.
        var traffic = new SimulatedTraffic("L").Add(29 * Day, 100, 0).Add(Day, minute => (100, minute % 20 == 0 ? 100 : 0));

        var standing = traffic.Standing();

        Assert.Equal((30L * Day * 100, 72L * 100), (standing.Budget.Total, standing.Budget.Bad));
        Assert.Equal(1 - (72 / 216.0), standing.BudgetLeft!.Value, 9);
    }

    [Theory]
    [InlineData(0, 0, SloLevelState.Ok)]
    [InlineData(31, 0, SloLevelState.Warning)]
    [InlineData(51, 0, SloLevelState.Critical)]
    [InlineData(0, 51, SloLevelState.Critical)]
    public void The_level_follows_the_baseline(long failed, long slow, SloLevelState expected)
    {
        var counts = new SliCounts();
        counts.Add(SliOutcome.Failed, failed);
        counts.Add(SliOutcome.Served, 1_000 - failed);
        counts.AddCompletion(TimeSpan.FromSeconds(1), 1_000 - slow);
        counts.AddCompletion(TimeSpan.FromSeconds(12.1), slow);

        Assert.Equal(expected, new SimulatedTraffic("G").Add(counts).Judge().Endpoints[0].Level);
    }

    [Fact]
    public void The_level_between_the_two_latencies_of_the_baseline_is_a_warning()
    {
        var counts = new SliCounts();
        counts.Add(SliOutcome.Served, 100);
        counts.AddCompletion(TimeSpan.FromSeconds(11), 100);

        Assert.Equal(SloLevelState.Warning, new SimulatedTraffic("X").Add(counts).Judge().Endpoints[0].Level);
    }
}

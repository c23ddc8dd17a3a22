using Sendcat.Reliability.Slo;
using Sendcat.TestKit.Processes;
using Sendcat.UnitTests.Architecture;

namespace Sendcat.UnitTests.Slo;

/// <summary>
/// The rules of Prometheus: the files in docs/monitoring are those of the policy, and promtool finds the same alerts as the evaluation in
/// the same traffic.
/// </summary>
public sealed class PrometheusRulesTests
{
    private const int Hour = 60;
    private const int Day = 24 * Hour;

    public static TheoryData<string> Tiers => [.. SloPolicy.Default.Tiers.Keys];

    /// <summary>
    /// One tier. The rules of the others have the same expressions with other numbers, and promtool needs seconds of CPU time for each
    /// comparison.
    /// </summary>
    public static TheoryData<string> ComparedTiers => [SloPolicy.Default.Tiers.Keys.First()];

    /// <summary>To accept an intended change, copy the written files to docs/monitoring.</summary>
    [Theory]
    [MemberData(nameof(Tiers))]
    public async Task The_file_of_a_tier_equals_the_rules_of_the_policy(string tier)
    {
        var name = $"slo-rules-{tier}.yml";
        var written = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "monitoring"));
        await File.WriteAllTextAsync(Path.Combine(written.FullName, name), PrometheusRules.Write(SloPolicy.Default, tier));
        var file = Path.Combine(Repository.Root, "docs", "monitoring", name);

        Assert.Equal(PrometheusRules.Write(SloPolicy.Default, tier), File.Exists(file) ? await File.ReadAllTextAsync(file) : "");
        await PromtoolAsync("check", "rules", file);
    }

    [Theory]
    [MemberData(nameof(ComparedTiers))]
    public async Task One_failure_of_three_requests_alerts_nobody(string tier) =>
        await EqualAsync(SloCases.OneFailureOfThree(tier), Enumerable.Range(20, 2 * Hour));

    [Theory]
    [MemberData(nameof(ComparedTiers))]
    public async Task Nine_failures_of_ten_fire_the_same_alerts(string tier)
    {
        await EqualAsync(SloCases.NineOfTen(tier, goodMinutes: Day), Every(10, Day, 70), every: 10);
        await EqualAsync(SloCases.NineOfTen(tier, goodMinutes: 0), Enumerable.Range(1, 70));
    }

    [Theory]
    [MemberData(nameof(ComparedTiers))]
    public async Task A_full_outage_fires_the_same_alerts_at_every_rate(string tier)
    {
        foreach (var requests in SloCases.OutageRates)
        {
            await EqualAsync(SloCases.FullOutage(tier, requests), [.. Enumerable.Range(Day, 7), Day + 20, Day + Hour], every: null);
        }
    }

    [Theory]
    [MemberData(nameof(ComparedTiers))]
    public async Task An_outage_at_one_request_in_ten_minutes_fires_the_same_alerts(string tier) =>
        await EqualAsync(SloCases.SparseOutage(tier), Every(10, Day, 2 * Hour), every: 10);

    [Theory]
    [MemberData(nameof(ComparedTiers))]
    public async Task Seven_quiet_days_alert_nobody(string tier) =>
        await EqualAsync(SloCases.QuietDays(tier), Every(2 * Hour, 0, 7 * Day), every: 2 * Hour);

    [Theory]
    [InlineData(14.4, 60)]
    [InlineData(6, 360)]
    [InlineData(3, 1440)]
    [InlineData(1, 4320)]
    public async Task Each_rate_is_exceeded_by_the_same_failure(double rate, int window)
    {
        await EqualAsync(SloCases.AtRate(rate, window, failuresOver: 1), [window], every: 60);
        await EqualAsync(SloCases.AtRate(rate, window, failuresOver: 0), [window], every: 60);
    }

    [Theory]
    [MemberData(nameof(ComparedTiers))]
    public async Task Alerts_end_at_the_same_minute(string tier) =>
        await EqualAsync(SloCases.LateOutage(tier).Add(2 * Hour, 100, 0), Every(10, Day, 140), every: 10);

    [Theory]
    [MemberData(nameof(ComparedTiers))]
    public async Task A_slow_first_token_fires_the_same_alerts(string tier) =>
        await EqualAsync(SloCases.SlowFirstToken(tier), Enumerable.Range(1, 63));

    /// <summary>Prometheus sees the increase of a counter from the second sample after a gap on, so one minute later.</summary>
    [Theory]
    [MemberData(nameof(ComparedTiers))]
    public async Task An_outage_goes_on_after_a_gap(string tier) =>
        await EqualAsync(SloCases.OutageWithGap(tier).Add(15, 100, 100), [Day + 10, Day + 40, Day + 65, Day + 70, Day + 80], every: 5);

    [Fact]
    public async Task A_difference_is_found()
    {
        // The budget of tier X is smaller, so that its rules fire.
        var traffic = SloCases.AtRate(14.4, Hour, failuresOver: 0);

        var found = await Assert.ThrowsAsync<InvalidOperationException>(() => EqualAsync(traffic, [Hour], every: 60, rulesOf: "X"));

        Assert.Contains("FAILED", found.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<int> Every(int step, int from, int minutes) =>
        Enumerable.Range(1, minutes / step).Select(count => from + (count * step));

    /// <param name="every">
    /// Minutes between two evaluations of the rules; null: only at the compared minutes. No rule depends on an earlier evaluation, and each
    /// takes as long as reading the traffic of some hours.
    /// </param>
    private static async Task EqualAsync(SimulatedTraffic traffic, IEnumerable<int> ends, int? every = 1, string? rulesOf = null)
    {
        using var folder = new TestFolder("promtool");
        await File.WriteAllTextAsync(folder["rules.yml"], PrometheusRules.Write(SloPolicy.Default, rulesOf ?? traffic.Tier));
        var files = new List<string>();
        foreach (var (compared, interval) in every is { } regular ? [(ends.ToArray(), regular)] : ends.Select(end => (new[] { end }, end)))
        {
            files.Add(folder[$"test{files.Count}.yml"]);
            await File.WriteAllTextAsync(files[^1], PromtoolFile.Of("rules.yml", traffic, compared, interval));
        }

        await PromtoolAsync(["test", "rules", .. files]);
    }

    private static Task<string> PromtoolAsync(params string[] arguments) =>
        TestProcess.RunAsync(new(Executable.Require("promtool", "prometheus"), arguments));
}

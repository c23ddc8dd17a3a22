using Sendcat.Reliability.Slo;

namespace Sendcat.UnitTests.Slo;

/// <summary>Traffic for which the alerts are known. The evaluation and the rules of Prometheus are tested with the same cases.</summary>
internal static class SloCases
{
    /// <summary>Requests a minute.</summary>
    public static readonly long[] OutageRates = [6, 60, 5_000];

    private const int Hour = 60;
    private const int Day = 24 * Hour;

    public static SimulatedTraffic OneFailureOfThree(string tier) =>
        new SimulatedTraffic(tier).Add(20, 0, 0).Add(2, 1, 0).Add(1, 1, 1).Add(3 * Day, 0, 0);

    /// <summary>6 requests a minute, of which every tenth succeeds, for 70 minutes.</summary>
    /// <param name="goodMinutes">Minutes without a failure before them.</param>
    public static SimulatedTraffic NineOfTen(string tier, int goodMinutes) =>
        new SimulatedTraffic(tier).Add(goodMinutes, 6, 0)
            .Add(70, minute => (6, Enumerable.Range(minute * 6, 6).Count(request => request % 10 != 0)));

    /// <summary>Every request fails after a day without failures. The minute in which the outage begins is half good.</summary>
    public static SimulatedTraffic FullOutage(string tier, long requests) =>
        new SimulatedTraffic(tier).Add(Day, requests, 0).Add(1, requests, requests / 2).Add(Hour, requests, requests);

    /// <summary>One request in ten minutes, which fails after a day.</summary>
    public static SimulatedTraffic SparseOutage(string tier) =>
        new SimulatedTraffic(tier)
            .Add(Day, minute => (minute % 10 == 0 ? 1 : 0, 0))
            .Add(2 * Hour, minute => minute % 10 == 0 ? (1, 1) : (0, 0));

    /// <summary>
    /// Each request fails with half of the probability that the objective allows: nights without requests, days with up to 120 a minute.
    /// </summary>
    public static SimulatedTraffic QuietDays(string tier)
    {
        var random = new Random(7);
        var chance = SloPolicy.Default.Objectives(tier)[0].Budget / 2;
        return new SimulatedTraffic(tier).Add(7 * Day, minute =>
        {
            var requests = Math.Max(0, (long)(120 * Math.Sin((minute % Day - (6 * Hour)) * Math.PI / (12 * Hour))));
            return (requests, Enumerable.Range(0, (int)requests).Count(_ => random.NextDouble() < chance));
        });
    }

    /// <summary>The budget of tier L burns at a rate, and a little faster with each failure over it.</summary>
    public static SimulatedTraffic AtRate(double rate, int minutes, int failuresOver)
    {
        const int Requests = 10_000;
        return new SimulatedTraffic("L").Add(minutes, Requests, (long)Math.Round(rate * 0.005 * Requests) + failuresOver);
    }

    /// <summary>Every request fails in the 20 minutes after a day.</summary>
    public static SimulatedTraffic LateOutage(string tier) => new SimulatedTraffic(tier).Add(Day, 100, 0).Add(20, 100, 100);

    /// <summary>No request fails, and the first token is late in the three minutes after an hour.</summary>
    public static SimulatedTraffic SlowFirstToken(string tier)
    {
        var slow = new SliCounts();
        slow.Add(SliOutcome.Served, 50);
        slow.AddFirstToken(TimeSpan.FromSeconds(9), 50);
        slow.AddCompletion(TimeSpan.FromSeconds(12), 50);
        return new SimulatedTraffic(tier).Add(Hour, 50, 0).Add(slow).Add(slow).Add(slow);
    }

    /// <summary>An outage of ten minutes after a day; then nobody records anything for 55 minutes.</summary>
    public static SimulatedTraffic OutageWithGap(string tier) => new SimulatedTraffic(tier).Add(Day, 100, 0).Add(10, 100, 100).Gap(55);
}

using Sendcat.Reliability.Slo;

namespace Sendcat.UnitTests.Slo;

/// <summary>
/// Recorded minutes of one endpoint on a simulated clock, and their judgement at the end of every minute. Minute 0 is the first one.
/// </summary>
internal sealed class SimulatedTraffic(string tier, string endpoint = "/api/chat")
{
    private static readonly TimeSpan Fast = TimeSpan.FromMilliseconds(400);

    // Sums of the counts and of the recorded minutes before each minute, so that a window is the difference of two of them.
    private readonly List<(long Covered, SliCounts Counts)> _before = [(0, new())];

    /// <summary>Minutes so far.</summary>
    public int Now => _before.Count - 1;

    public string Tier => tier;

    public string Endpoint => endpoint;

    /// <summary>Adds minutes.</summary>
    /// <param name="minutes">How many.</param>
    /// <param name="requests">Requests, and how many of them fail, of the minute with this number since the start.</param>
    public SimulatedTraffic Add(int minutes, Func<int, (long Requests, long Failures)> requests)
    {
        for (var added = 0; added < minutes; added++)
        {
            var (all, failed) = requests(Now);
            var counts = new SliCounts();
            counts.Add(SliOutcome.Served, all - failed);
            counts.Add(SliOutcome.Failed, failed);
            counts.AddFirstToken(Fast, all - failed);
            counts.AddCompletion(Fast, all - failed);
            Add(counts);
        }

        return this;
    }

    /// <summary>Adds minutes of so many requests and failures each.</summary>
    public SimulatedTraffic Add(int minutes, long requests, long failures) => Add(minutes, _ => (requests, failures));

    /// <summary>Adds a recorded minute.</summary>
    public SimulatedTraffic Add(SliCounts counts) => Append(1, counts);

    /// <summary>Adds minutes that nobody recorded.</summary>
    public SimulatedTraffic Gap(int minutes)
    {
        for (var added = 0; added < minutes; added++)
        {
            Append(0, new());
        }

        return this;
    }

    /// <summary>The sum of the first minutes, as the counters of a process show it; null when the last of them is a gap.</summary>
    public SliCounts? Until(int minute) =>
        minute == 0 || _before[minute].Covered > _before[minute - 1].Covered ? _before[minute].Counts : null;

    /// <summary>Judges the traffic at the end of the last minute, or of an earlier one.</summary>
    public SloReport Judge(int? end = null) =>
        SloEvaluation.Evaluate(SloPolicy.Default, tier, (path, minutes) => Window(path, end ?? Now, minutes));

    public SloStanding Standing(SliIndicator indicator = SliIndicator.Availability, int? end = null) =>
        Judge(end).Objectives.Single(standing => standing.Objective.Endpoint == endpoint && standing.Objective.Indicator == indicator);

    /// <summary>The alerts that fire at the end of a minute.</summary>
    public IReadOnlyList<(string Objective, string Alert, SloSeverity Severity)> Firing(int? end = null) =>
    [
        .. from standing in Judge(end).Objectives
           from alert in standing.Alerts
           where alert.State == SloAlertState.Firing
           select (standing.Objective.Name, alert.Name, alert.Severity),
    ];

    /// <summary>The minutes between <paramref name="start"/> and the first page; null: there is none.</summary>
    public int? MinutesToPage(int start)
    {
        for (var end = start + 1; end <= Now; end++)
        {
            if (Firing(end).Any(alert => alert.Severity == SloSeverity.Page))
            {
                return end - start;
            }
        }

        return null;
    }

    /// <summary>Every alert that fired at the end of any minute.</summary>
    public IReadOnlyList<string> EverFired() =>
        [.. Enumerable.Range(1, Now).SelectMany(end => Firing(end).Select(alert => $"{alert.Objective} {alert.Alert}")).Distinct()];

    private SliWindow Window(string path, int end, int minutes)
    {
        var counts = new SliCounts();
        if (path != endpoint)
        {
            return new(minutes, 0, counts);
        }

        var (until, from) = (_before[end], _before[Math.Max(0, end - minutes)]);
        counts.Add(until.Counts);
        counts.Add(from.Counts, -1);
        return new(minutes, until.Covered - from.Covered, counts);
    }

    private SimulatedTraffic Append(int covered, SliCounts counts)
    {
        var sum = new SliCounts();
        sum.Add(_before[^1].Counts);
        sum.Add(counts);
        _before.Add((_before[^1].Covered + covered, sum));
        return this;
    }
}

using Sendcat.Reliability.Slo;

namespace Sendcat.ApiService.Ops;

/// <summary>
/// The service levels of all replicas. A minute that no replica recorded is a gap: it is neither good nor bad, and is counted in
/// <c>gapMinutes</c>.
/// </summary>
/// <param name="Until">The end of every window, a whole minute.</param>
/// <param name="Tier">The tier whose objectives apply: L, G or X.</param>
/// <param name="BudgetDays">The days over which an error budget is spent.</param>
internal sealed record SloView(DateTime GeneratedAt, DateTime Until, string PolicyVersion, string Tier, int BudgetDays)
{
    /// <summary>The start of the newest recorded minute of the budget period; absent without one.</summary>
    public DateTime? NewestMinute { get; init; }

    public required IReadOnlyList<SloObjectiveView> Objectives { get; init; }

    public required IReadOnlyList<SloEndpointView> Endpoints { get; init; }
}

/// <param name="Indicator"><c>availability</c>, <c>first_token</c>, <c>completion</c> or <c>acknowledgement</c>.</param>
/// <param name="Target">The promised share of good requests, between 0 and 1.</param>
/// <param name="ThresholdMs">A good request takes at most so long; absent for the availability.</param>
/// <param name="Budget">The budget period so far.</param>
/// <param name="BudgetLeft">
/// The share of the error budget that is left, at most 1; negative when more than all is spent; absent without requests.
/// </param>
internal sealed record SloObjectiveView(
    string Endpoint, string Indicator, double Target, int? ThresholdMs, SloOwnerView Owner, BurnView Budget, double? BudgetLeft,
    IReadOnlyList<SloAlertView> Alerts)
{
    public static SloObjectiveView Of(SloStanding standing) => new(
        standing.Objective.Endpoint,
        standing.Objective.Indicator.Name(),
        standing.Objective.Target,
        standing.Objective.ThresholdMs,
        SloOwnerView.Of(standing.Objective.Owner),
        BurnView.Of(standing.Budget),
        standing.BudgetLeft is { } left ? Math.Round(left, 6) : null,
        [.. standing.Alerts.Select(SloAlertView.Of)]);
}

/// <param name="Primary">The team.</param>
/// <param name="Secondary">Who is notified next; absent: nobody.</param>
internal sealed record SloOwnerView(string Primary, string? Secondary)
{
    public static SloOwnerView Of(SloOwner owner) => new(owner.Primary, owner.Secondary);
}

/// <summary>How fast the error budget burns in one window.</summary>
/// <param name="Minutes">The length of the window.</param>
/// <param name="GapMinutes">Minutes of it that no replica recorded.</param>
/// <param name="Total">Requests that the objective judges.</param>
/// <param name="Bad">The bad ones among them.</param>
/// <param name="Rate">1: exactly as fast as the objective allows; absent without requests.</param>
internal sealed record BurnView(int Minutes, long GapMinutes, long Total, long Bad, double? Rate)
{
    public static BurnView Of(BurnReading reading) => new(
        reading.Minutes, Math.Max(0, reading.Minutes - reading.Covered), reading.Total, reading.Bad,
        reading.Rate is { } rate ? Math.Round(rate, 6) : null);
}

/// <param name="Name">For instance <c>burn_14.4</c> or <c>absolute_3m</c>.</param>
/// <param name="Severity"><c>page</c> or <c>ticket</c>.</param>
/// <param name="State"><c>quiet</c>, <c>firing</c>, or <c>unknown</c> when a window was not recorded at all.</param>
/// <param name="Short">The window that shows that it still lasts; absent for an alert with one window.</param>
internal sealed record SloAlertView(string Name, string Severity, string State, BurnView Long, BurnView? Short)
{
    public static SloAlertView Of(SloAlert alert) => new(
        alert.Name, alert.Severity.Name(), alert.State.ToString().ToLowerInvariant(), BurnView.Of(alert.Long),
        alert.Short is { } window ? BurnView.Of(window) : null);
}

/// <summary>
/// An endpoint. The level and the rates are of the last minutes that <c>window</c> gives; the rates are shares among the requests that were
/// served, failed or shed, and absent without any.
/// </summary>
/// <param name="Level"><c>ok</c>, <c>warning</c>, <c>critical</c>, or <c>unknown</c> when nothing was recorded.</param>
/// <param name="Window">The length in minutes, and its gaps.</param>
/// <param name="Reasons">Why requests of the listed minutes were not served, and how many.</param>
/// <param name="Minutes">The recorded minutes, the oldest first. A minute that is not there is a gap.</param>
internal sealed record SloEndpointView(
    string Endpoint, SloOwnerView Owner, string Level, LevelWindowView Window, double? ServedRate, double? FailedRate, double? ShedRate,
    RateLimitsView Limits, IReadOnlyDictionary<string, long> Reasons, IReadOnlyList<SliMinuteView> Minutes)
{
    public static SloEndpointView Of(
        SloEndpointStanding standing, IEnumerable<SliPoint> points, IReadOnlyDictionary<string, long>? reasons) => new(
        standing.Endpoint,
        SloOwnerView.Of(standing.Owner),
        standing.Level.ToString().ToLowerInvariant(),
        new(standing.Window.Minutes, Math.Max(0, standing.Window.Minutes - standing.Window.Covered)),
        Rounded(standing.TwoXxRate),
        Rounded(standing.FiveXxRate),
        Rounded(standing.TooManyRequestsRate),
        new(standing.Limits.MinTwoXxRate, standing.Limits.MaxFiveXxRate, standing.Limits.MaxTooManyRequestsRate),
        reasons ?? new Dictionary<string, long>(),
        [.. points.Select(SliMinuteView.Of)]);

    private static double? Rounded(double? share) => share is { } known ? Math.Round(known, 6) : null;
}

internal sealed record LevelWindowView(int Minutes, long GapMinutes);

/// <summary>The limits that the tier sets for the rates.</summary>
internal sealed record RateLimitsView(double MinServed, double MaxFailed, double MaxShed);

/// <summary>One minute of an endpoint. Latencies are interpolated inside the buckets of a histogram, and absent without requests.</summary>
/// <param name="At">Its start.</param>
/// <param name="Replicas">How many replicas recorded it.</param>
internal sealed record SliMinuteView(
    DateTime At, int Replicas, long Served, long Failed, long Shed, long Rejected, long Aborted, double? P95FirstTokenMs,
    double? P95CompletionMs)
{
    private const double Quantile = 0.95;

    public static SliMinuteView Of(SliPoint point)
    {
        var counts = point.Counts;
        return new(
            point.Minute.UtcDateTime, point.Replicas, counts.Served, counts.Failed, counts.Shed, counts[SliOutcome.Rejected],
            counts[SliOutcome.Aborted], Rounded(LatencyBuckets.QuantileMs(counts.FirstToken, Quantile)),
            Rounded(LatencyBuckets.QuantileMs(counts.Completion, Quantile)));
    }

    private static double? Rounded(double? milliseconds) => milliseconds is { } known ? Math.Round(known) : null;
}

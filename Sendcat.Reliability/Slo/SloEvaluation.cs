namespace Sendcat.Reliability.Slo;

/// <summary>
/// Judges windows of recorded minutes by the policy. It does no I/O and knows no clock. A minute without a record is a gap: it is neither
/// good nor bad, and a window of gaps alone is judged as unknown.
/// </summary>
public static class SloEvaluation
{
    /// <summary>Judges every objective of a tier.</summary>
    /// <param name="windows">Gives the window of an endpoint with a length of <see cref="SloPolicy.WindowMinutes"/>.</param>
    /// <exception cref="KeyNotFoundException">There is no such tier.</exception>
    public static SloReport Evaluate(SloPolicy policy, string tier, Func<string, int, SliWindow> windows) => new(
        tier,
        [.. policy.Objectives(tier).Select(objective => Judge(policy, objective, minutes => windows(objective.Endpoint, minutes)))],
        [.. policy.Endpoints.Keys.Select(endpoint => Judge(policy, tier, endpoint, windows(endpoint, policy.Levels.Minutes)))]);

    private static SloStanding Judge(SloPolicy policy, SloObjective objective, Func<int, SliWindow> windows)
    {
        var budget = Burn(objective, windows(policy.BudgetMinutes));
        return new(
            objective,
            budget,
            budget.Rate is { } spent ? 1 - spent : null,
            [
                .. policy.BurnAlerts.Select(
                    alert => Judge(alert, Burn(objective, windows(alert.LongMinutes)), Burn(objective, windows(alert.ShortMinutes)))),
                .. policy.AbsoluteAlerts.Select(alert => Judge(alert, Burn(objective, windows(alert.Minutes)))),
            ]);
    }

    private static SloAlert Judge(BurnAlert alert, BurnReading longer, BurnReading shorter) => new(
        alert.Name,
        alert.Severity,
        longer.Covered == 0 || shorter.Covered == 0 ? SloAlertState.Unknown
        : longer.Total < alert.MinRequests || longer.Bad < alert.MinFailures ? SloAlertState.Quiet
        : longer.Rate > alert.Rate && shorter.Rate > alert.Rate ? SloAlertState.Firing
        : SloAlertState.Quiet,
        longer,
        shorter);

    private static SloAlert Judge(AbsoluteAlert alert, BurnReading reading) => new(
        alert.Name,
        alert.Severity,
        reading.Covered == 0 ? SloAlertState.Unknown
        : reading.Bad >= alert.MinFailures && reading.Bad >= alert.FailureRate * reading.Total ? SloAlertState.Firing
        : SloAlertState.Quiet,
        reading,
        null);

    private static BurnReading Burn(SloObjective objective, SliWindow window)
    {
        var (total, bad) = objective.Count(window.Counts);
        return new(window.Minutes, window.Covered, total, bad, total == 0 ? null : (double)bad / total / objective.Budget);
    }

    private static SloEndpointStanding Judge(SloPolicy policy, string tier, string path, SliWindow window)
    {
        var (endpoint, counts) = (policy.Endpoints[path], window.Counts);
        var level = window.Covered == 0 ? SloLevelState.Unknown
            : counts.Answered < policy.Levels.MinRequests ? SloLevelState.Ok
            : Exceeds(counts, endpoint.Critical) ? SloLevelState.Critical
            : Exceeds(counts, endpoint.Warning) ? SloLevelState.Warning
            : SloLevelState.Ok;
        return new(
            path, policy.OwnerOf(path), level, window, Share(counts.Served, counts), Share(counts.Failed, counts),
            Share(counts.Shed, counts), policy.Tiers[tier]);
    }

    private static bool Exceeds(SliCounts counts, SloLevel level)
    {
        var ended = counts.Completion[^1];
        return counts.Failed > level.FiveXxRate * counts.Answered
            || (ended > 0 && LatencyBuckets.Within(counts.Completion, level.P95Ms) < SloPolicy.LatencyTarget * ended);
    }

    private static double? Share(long part, SliCounts counts) => counts.Answered == 0 ? null : (double)part / counts.Answered;
}

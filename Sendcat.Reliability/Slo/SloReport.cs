namespace Sendcat.Reliability.Slo;

/// <summary>The judgement of all objectives of a tier at one moment.</summary>
public sealed record SloReport(string Tier, IReadOnlyList<SloStanding> Objectives, IReadOnlyList<SloEndpointStanding> Endpoints);

/// <param name="Budget">The budget period so far.</param>
/// <param name="BudgetLeft">
/// The share of the error budget that is left, at most 1; negative when more than all is spent; null without requests.
/// </param>
public sealed record SloStanding(SloObjective Objective, BurnReading Budget, double? BudgetLeft, IReadOnlyList<SloAlert> Alerts);

/// <summary>How fast the error budget burns in one window.</summary>
/// <param name="Minutes">The length of the window.</param>
/// <param name="Covered">Minutes of it that were recorded.</param>
/// <param name="Total">Requests that the objective judges.</param>
/// <param name="Bad">Those that were bad.</param>
/// <param name="Rate">1: exactly as fast as the objective allows. Null without requests.</param>
public sealed record BurnReading(int Minutes, long Covered, long Total, long Bad, double? Rate);

/// <param name="Short">Null for an alert with one window.</param>
public sealed record SloAlert(string Name, SloSeverity Severity, SloAlertState State, BurnReading Long, BurnReading? Short);

public enum SloAlertState
{
    Quiet,
    Firing,

    /// <summary>A window has no record. An alert that fires goes on, and one that does not fire does not begin.</summary>
    Unknown,
}

/// <summary>An endpoint in the window of the levels.</summary>
/// <param name="TwoXxRate">The share of served requests among those that were served, failed or shed; null without any.</param>
/// <param name="FiveXxRate">The share of failed ones.</param>
/// <param name="TooManyRequestsRate">The share of shed ones.</param>
/// <param name="Limits">The limits of the tier for these shares.</param>
public sealed record SloEndpointStanding(
    string Endpoint, SloOwner Owner, SloLevelState Level, SliWindow Window, double? TwoXxRate, double? FiveXxRate,
    double? TooManyRequestsRate, SloTier Limits);

public enum SloLevelState
{
    Ok,
    Warning,
    Critical,

    /// <summary>Nothing was recorded.</summary>
    Unknown,
}

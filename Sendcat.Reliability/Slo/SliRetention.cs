namespace Sendcat.Reliability.Slo;

/// <summary>How long rows are kept.</summary>
internal static class SliRetention
{
    /// <summary>Minutes: the longest window of an alert, and an hour for the hour that it begins in.</summary>
    public static readonly TimeSpan Minutes =
        TimeSpan.FromMinutes(SloPolicy.Default.AlertMinutes) + TimeSpan.FromHours(2);

    /// <summary>Hours: the budget period and a day.</summary>
    public static readonly TimeSpan Hours = TimeSpan.FromDays(SloPolicy.Default.BudgetDays + 1);
}

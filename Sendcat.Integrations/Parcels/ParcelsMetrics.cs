using System.Diagnostics.Metrics;

namespace Sendcat.Integrations.Parcels;

/// <summary>Meter <c>Sendcat.Parcels</c>.</summary>
internal static class ParcelsMetrics
{
    private static readonly Meter Meter = new("Sendcat.Parcels");

    private static readonly Counter<long> Reports = Meter.CreateCounter<long>(
        "sendcat.parcels.reports", "{report}", "Reports of the warehouse, by outcome: updated, claimed, unclaimed, stale.");

    public static void Reported(FeedResult result)
    {
        Count("updated", result.Updated);
        Count("claimed", result.Claimed);
        Count("unclaimed", result.Unclaimed);
        Count("stale", result.Stale);
    }

    private static void Count(string outcome, int count)
    {
        if (count > 0)
        {
            Reports.Add(count, new KeyValuePair<string, object?>("outcome", outcome));
        }
    }
}

using System.Globalization;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Orders;
using Sendcat.ApiService.Shopping.Packages;
using Sendcat.Integrations.Parcels;

namespace Sendcat.ApiService.Ops;

/// <param name="Packages">At most 10 000.</param>
internal sealed record ReportedPackages(IReadOnlyList<ReportedPackage>? Packages) : IValidatable
{
    /// <summary>Rows of one feed.</summary>
    public const int MaxRows = 10_000;

    public IEnumerable<string> Problems()
    {
        if (Packages is not { Count: >= 1 and <= MaxRows } || Packages.Any(package => package is null))
        {
            yield return $"packages must have 1 to {MaxRows} items";
        }
    }
}

/// <summary>What the warehouse says about one package. An omitted weight, cost or location is unchanged.</summary>
/// <param name="TrackingNumber">8 to 40 letters and digits; blanks and hyphens are ignored.</param>
/// <param name="Status"><c>warehouse</c>, <c>in_transit</c>, <c>ready_for_pickup</c> or <c>delivered</c>.</param>
/// <param name="UpdatedAt">The time of the status (ISO 8601); omitted: now. A report that is older than what is known changes nothing.</param>
/// <param name="Weight">Pounds.</param>
/// <param name="Cost">Jamaican dollars.</param>
/// <param name="Merchant">Used where the owner's order names none.</param>
/// <param name="Description">Used where the owner's order names none.</param>
internal sealed record ReportedPackage(
    string? TrackingNumber, string? Status, string? UpdatedAt, decimal? Weight, decimal? Cost, string? Location, string? Merchant, string? Description)
{
    private const decimal MaxWeight = 100_000;
    private const decimal MaxCost = 1_000_000_000;
    private const int MaxText = 200;

    /// <summary>Clocks differ by so much. A report from the future would outlast all correct ones.</summary>
    private static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(10);

    /// <returns>The report, or why it is rejected.</returns>
    public (PackageReport? Report, string? Problem) Read(DateTimeOffset now)
    {
        var at = now;
        if (!string.IsNullOrWhiteSpace(UpdatedAt)
            && (!BeginsWithYear(UpdatedAt.Trim()) || !DateTimeOffset.TryParse(UpdatedAt, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out at)))
        {
            return (null, "updatedAt must be a time, such as 2026-03-01T12:00:00Z");
        }

        return PackageRules.Normalize(TrackingNumber) is not { } number ? (null, "trackingNumber must have 8 to 40 letters and digits")
            : Status is null || !PackageStatus.All.Contains(Status) ? (null, $"status must be one of {string.Join(", ", PackageStatus.All)}")
            : at > now + MaxAhead ? (null, "updatedAt is in the future")
            : Weight is < 0 or > MaxWeight ? (null, "weight must be 0 to 100000 pounds")
            : Cost is < 0 or > MaxCost ? (null, "cost must be 0 to 1000000000")
            : !StoredText.Fits(Location, MaxText) || !StoredText.Fits(Merchant, MaxText) || !StoredText.Fits(Description, MaxText)
                ? (null, "location, merchant and description may have 200 characters")
            : (new PackageReport(number, Status, at > now ? now : at)
            {
                Weight = Weight, Cost = Cost, Location = Text(Location), Merchant = Text(Merchant), Description = Text(Description),
            }, null);
    }

    /// <summary>A spreadsheet writes 03/04/2026, which is in March or in April.</summary>
    private static bool BeginsWithYear(string text) => text is [_, _, _, _, '-', _, _, '-', ..] && text.AsSpan(0, 4).IndexOfAnyExceptInRange('0', '9') < 0;

    private static string? Text(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}

/// <param name="Received">Reports in the request.</param>
/// <param name="Updated">Packages of users that now have the reported state.</param>
/// <param name="Claimed">Packages that found their owner.</param>
/// <param name="Unclaimed">Packages that nobody has announced; they wait.</param>
/// <param name="Stale">Reports that are older than what is known.</param>
/// <param name="Rejected">Reports that are wrong; the others were applied.</param>
internal sealed record PackagesReported(int Received, int Updated, int Claimed, int Unclaimed, int Stale, IReadOnlyList<RejectedReport> Rejected);

/// <param name="Row">The position in the request, from 1; the head of a CSV is not counted.</param>
internal sealed record RejectedReport(int Row, string Reason);

/// <param name="Cost">Jamaican dollars.</param>
internal sealed record UnclaimedPackageView(
    string TrackingNumber, string Status, decimal? Weight, decimal? Cost, string? Location, string? Merchant, string? Description, DateTime ReportedAt)
{
    public static UnclaimedPackageView Of(UnclaimedPackage package) => new(
        package.TrackingNumber, package.Status, package.Weight, package.Cost, package.Location, package.Merchant, package.Description, package.ReportedAt.UtcDateTime);
}

namespace Sendcat.ApiService.Shopping.Packages;

/// <param name="StatusLabel">The status as text for display.</param>
/// <param name="Weight">Pounds.</param>
/// <param name="Cost">An amount of <paramref name="CostCurrency"/>.</param>
/// <param name="CostCurrency">ISO 4217 code of the cost: <c>JMD</c>; omitted without a cost.</param>
internal sealed record PackageView(
    Guid Id, string TrackingNumber, string Merchant, string Description, string Status, string StatusLabel, decimal? Weight, decimal? Cost,
    string? CostCurrency, string? Location, DateTime UpdatedAt, DateTime CreatedAt)
{
    public static PackageView Of(Package package) => new(
        package.Id, package.TrackingNumber, package.Merchant, package.Description, package.Status, PackageStatus.Label(package.Status),
        package.Weight, package.Cost, package.Cost is null ? null : "JMD", package.Location, package.UpdatedAt.UtcDateTime,
        package.CreatedAt.UtcDateTime);
}

internal sealed record PackageCounts(int Total, IReadOnlyDictionary<string, int> ByStatus);

/// <param name="Inserted">Number of inserted packages; 0: the user already had packages.</param>
internal sealed record PackagesSeeded(int Inserted);

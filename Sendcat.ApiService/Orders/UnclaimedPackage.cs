namespace Sendcat.ApiService.Orders;

/// <summary>
/// A package that the warehouse has reported and nobody has announced. It becomes a package of the first user who announces it. It is a
/// table of its own, so that no list of a user's packages can show it.
/// </summary>
internal sealed class UnclaimedPackage
{
    public required Guid Id { get; init; }

    public required string TrackingNumber { get; init; }

    public string? Merchant { get; init; }

    public string? Description { get; init; }

    /// <summary>One of <see cref="Shopping.Packages.PackageStatus.All"/>.</summary>
    public required string Status { get; init; }

    /// <summary>Pounds.</summary>
    public decimal? Weight { get; init; }

    /// <summary>Jamaican dollars.</summary>
    public decimal? Cost { get; init; }

    public string? Location { get; init; }

    /// <summary>The time of the status, as the warehouse says.</summary>
    public required DateTimeOffset ReportedAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}

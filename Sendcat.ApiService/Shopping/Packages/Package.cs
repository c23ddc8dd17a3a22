namespace Sendcat.ApiService.Shopping.Packages;

/// <summary>A parcel of a user that is forwarded through the warehouse.</summary>
internal sealed class Package
{
    public required Guid Id { get; init; }

    public required string UserId { get; init; }

    public required string TrackingNumber { get; init; }

    public required string Merchant { get; init; }

    public required string Description { get; init; }

    /// <summary>One of <see cref="PackageStatus.All"/>.</summary>
    public required string Status { get; init; }

    /// <summary>Pounds.</summary>
    public decimal? Weight { get; init; }

    /// <summary>Jamaican dollars.</summary>
    public decimal? Cost { get; init; }

    public string? Location { get; init; }

    /// <summary>The time of the status, as the warehouse says; null: a demonstration that no warehouse reported.</summary>
    public DateTimeOffset? ReportedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

internal static class PackageStatus
{
    private static readonly OrderedDictionary<string, string> Labels = new(StringComparer.Ordinal)
    {
        ["warehouse"] = "In Warehouse",
        ["in_transit"] = "In Transit",
        ["ready_for_pickup"] = "Ready for Pickup",
        ["delivered"] = "Picked Up",
    };

    /// <summary>In the order in which a package passes through them.</summary>
    public static IReadOnlyList<string> All => Labels.Keys;

    /// <summary>The status as pages show it; a status that only a newer build knows is shown as it is.</summary>
    public static string Label(string status) => Labels.GetValueOrDefault(status, status);
}

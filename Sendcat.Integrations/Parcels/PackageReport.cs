namespace Sendcat.Integrations.Parcels;

/// <summary>What the warehouse says about one package.</summary>
/// <param name="TrackingNumber">Upper case, without blanks, see <see cref="PackageRules.Normalize"/>.</param>
/// <param name="Status">One of <see cref="PackageRules.Statuses"/>.</param>
/// <param name="ReportedAt">The time of this status. A later report counts, whatever the order of arrival.</param>
public sealed record PackageReport(string TrackingNumber, string Status, DateTimeOffset ReportedAt)
{
    /// <summary>Pounds; null: unchanged.</summary>
    public decimal? Weight { get; init; }

    /// <summary>Jamaican dollars; null: unchanged.</summary>
    public decimal? Cost { get; init; }

    /// <summary>Null: unchanged.</summary>
    public string? Location { get; init; }

    /// <summary>Used for a package whose owner's order names none; null: unchanged.</summary>
    public string? Merchant { get; init; }

    /// <summary>Used for a package whose owner's order names none; null: unchanged.</summary>
    public string? Description { get; init; }
}

/// <summary>What a feed has changed.</summary>
/// <param name="Updated">Packages of users that were updated, those with an equal report included.</param>
/// <param name="Claimed">Packages that found their owner by this report.</param>
/// <param name="Unclaimed">Packages that nobody has announced.</param>
/// <param name="Stale">Reports that are older than what is known; they changed nothing.</param>
public sealed record FeedResult(int Updated, int Claimed, int Unclaimed, int Stale)
{
    internal FeedResult Plus(FeedResult other) => new(Updated + other.Updated, Claimed + other.Claimed, Unclaimed + other.Unclaimed, Stale + other.Stale);
}

/// <summary>A package whose status has changed, or that got its owner.</summary>
/// <param name="Id">The package.</param>
/// <param name="UserId">The owner.</param>
/// <param name="Status">The present status.</param>
internal sealed record ChangedPackage(Guid Id, string UserId, string Status);

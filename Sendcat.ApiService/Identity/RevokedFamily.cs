namespace Sendcat.ApiService.Identity;

/// <summary>A sign-in that was ended while access tokens of it may still be alive. The row is deleted when the last of them has expired.</summary>
internal sealed class RevokedFamily
{
    public required Guid FamilyId { get; init; }

    /// <summary>By the clock of Postgres, which all replicas share.</summary>
    public DateTimeOffset RevokedAt { get; init; }
}

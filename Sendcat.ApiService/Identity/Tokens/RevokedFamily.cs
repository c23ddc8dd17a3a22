namespace Sendcat.ApiService.Identity.Tokens;

/// <summary>
/// A revoked sign-in whose access tokens may not have expired yet. The row is deleted after <see cref="RevokedFamilies.Retention"/>, when
/// all of them have.
/// </summary>
internal sealed class RevokedFamily
{
    public required Guid FamilyId { get; init; }

    /// <summary>The time of the revocation by the clock of Postgres, which all replicas share.</summary>
    public DateTimeOffset RevokedAt { get; init; }
}

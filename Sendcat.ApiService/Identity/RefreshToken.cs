namespace Sendcat.ApiService.Identity;

/// <summary>One link in a chain of refresh tokens. Only the hash is stored. The first use makes the next link; a later second use of the same link revokes the chain.</summary>
internal sealed class RefreshToken
{
    public required Guid Id { get; init; }

    /// <summary>The sign-in that the chain began with.</summary>
    public required Guid FamilyId { get; init; }

    public required string UserId { get; init; }

    /// <summary>SHA-256 of the token.</summary>
    public required byte[] TokenHash { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? UsedAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }
}

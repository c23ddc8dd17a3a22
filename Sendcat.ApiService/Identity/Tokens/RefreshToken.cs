namespace Sendcat.ApiService.Identity.Tokens;

/// <summary>
/// One refresh token of a sign-in. Only the hash is stored. The first use of a token creates its successor. A second use after
/// <see cref="RefreshTokens.ReuseWindow"/> revokes the sign-in.
/// </summary>
internal sealed class RefreshToken
{
    public required Guid Id { get; init; }

    /// <summary>The sign-in. A token and all its successors have the same family.</summary>
    public required Guid FamilyId { get; init; }

    public required string UserId { get; init; }

    /// <summary>SHA-256 of the token.</summary>
    public required byte[] TokenHash { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? UsedAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }
}

using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;

namespace Sendcat.ApiService.Identity.Tokens;

/// <summary>
/// Keeps users signed in for 30 days after their last refresh. A token can be used once. A second use within <see cref="ReuseWindow"/> gets
/// the same successor: two tabs refresh at the same time, or a response is lost. A later second use means that two parties hold the token,
/// and revokes the whole sign-in.
/// </summary>
internal sealed class RefreshTokens(
    SendcatDb db, SuccessorTokens successors, RevokedFamilyWatch revocations, TimeProvider time, ILogger<RefreshTokens> logger)
{
    /// <summary>The lifetime of each token.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    /// <summary>The time after its first use in which a token still gets the same successor.</summary>
    public static readonly TimeSpan ReuseWindow = TimeSpan.FromSeconds(10);

    private const int MaxTokenLength = 128;

    /// <summary>Starts a new sign-in, and deletes the expired tokens of the user.</summary>
    /// <param name="userId">The user.</param>
    /// <param name="securityStamp">The user's security stamp at the time when the password was checked.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The sign-in and its first token; null when the password was changed since the check.</returns>
    public async Task<(Guid Family, string Token)?> BeginAsync(string userId, string securityStamp, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await LockAsync(userId, cancellationToken);
        if (!await db.Users.AnyAsync(u => u.Id == userId && u.SecurityStamp == securityStamp, cancellationToken))
        {
            return null;
        }

        var now = time.GetUtcNow();
        await db.RefreshTokens.Where(t => t.UserId == userId && t.ExpiresAt < now).ExecuteDeleteAsync(cancellationToken);
        var (family, token) = (Guid.CreateVersion7(now), SuccessorTokens.First());
        await AppendAsync(userId, family, token, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (family, token);
    }

    /// <summary>Exchanges a token for its successor.</summary>
    /// <returns>
    /// The claims for a new access token and the next refresh token; null if this one is unknown, expired, revoked or was used before
    /// <see cref="ReuseWindow"/>.
    /// </returns>
    public async Task<(AccessGrant Grant, string Token)?> RotateAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length > MaxTokenLength)
        {
            return null;
        }

        var hash = Hash(token);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await LockOwnerAsync(hash, cancellationToken) is not { } row)
        {
            return null;
        }

        var now = time.GetUtcNow();
        if (row.RevokedAt is not null || row.ExpiresAt <= now)
        {
            return null;
        }

        var next = successors.After(token, row.FamilyId);
        if (row.UsedAt is null)
        {
            await db.RefreshTokens.Where(t => t.Id == row.Id)
                .ExecuteUpdateAsync(set => set.SetProperty(t => t.UsedAt, now), cancellationToken);
            await AppendAsync(row.UserId, row.FamilyId, next, cancellationToken);
        }
        else if (now - row.UsedAt > ReuseWindow)
        {
            var families = await RevokeAsync(db.RefreshTokens.Where(t => t.FamilyId == row.FamilyId), cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            await revocations.PublishAsync(families);
            logger.RefreshTokenReused(row.UserId);
            return null;
        }

        var confirmed = await db.Users.AnyAsync(u => u.Id == row.UserId && u.EmailConfirmed, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (new(row.UserId, row.FamilyId, confirmed), next);
    }

    /// <summary>
    /// Revokes the sign-in of the token, together with its access tokens. An unknown token changes nothing and is no error.
    /// </summary>
    public async Task EndAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length > MaxTokenLength)
        {
            return;
        }

        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await LockOwnerAsync(Hash(token), cancellationToken) is { } row)
        {
            var families = await RevokeAsync(db.RefreshTokens.Where(t => t.FamilyId == row.FamilyId), cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            await revocations.PublishAsync(families);
        }
    }

    /// <summary>Revokes every sign-in of the user within the caller's transaction.</summary>
    /// <returns>The revoked families. The caller passes them to <see cref="RevokedFamilyWatch.PublishAsync"/> after the commit.</returns>
    public Task<Guid[]> EndAllAsync(string userId, CancellationToken cancellationToken) =>
        RevokeAsync(db.RefreshTokens.Where(t => t.UserId == userId), cancellationToken);

    /// <summary>
    /// Serializes changes to the sign-ins of a user until the transaction ends. Without the lock, a refresh that runs at the same time as a
    /// revocation could add a token that is not revoked.
    /// </summary>
    public Task LockAsync(string userId, CancellationToken cancellationToken) =>
        db.Database.ExecuteSqlAsync(
            $"""
            -- lock sign ins
            SELECT pg_advisory_xact_lock(hashtextextended({userId}, 0))
            """,
            cancellationToken);

    private async Task<RefreshToken?> LockOwnerAsync(byte[] hash, CancellationToken cancellationToken)
    {
        if (await db.RefreshTokens.Where(t => t.TokenHash == hash).Select(t => t.UserId)
            .SingleOrDefaultAsync(cancellationToken) is not { } userId)
        {
            return null;
        }

        await LockAsync(userId, cancellationToken);
        return await db.RefreshTokens.AsNoTracking().SingleOrDefaultAsync(t => t.TokenHash == hash, cancellationToken);
    }

    private async Task<Guid[]> RevokeAsync(IQueryable<RefreshToken> tokens, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var active = tokens.Where(t => t.RevokedAt == null);
        var families = await active.Select(t => t.FamilyId).Distinct().ToArrayAsync(cancellationToken);
        await active.ExecuteUpdateAsync(set => set.SetProperty(t => t.RevokedAt, now), cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            -- revoke families
            INSERT INTO revoked_families (family_id, revoked_at) SELECT family, clock_timestamp() FROM unnest({families}) AS family
              ON CONFLICT (family_id) DO NOTHING
            """,
            cancellationToken);
        return families;
    }

    private async Task AppendAsync(string userId, Guid family, string token, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        db.RefreshTokens.Add(new()
        {
            Id = Guid.CreateVersion7(now),
            FamilyId = family,
            UserId = userId,
            TokenHash = Hash(token),
            CreatedAt = now,
            ExpiresAt = now + Lifetime,
        });
        await db.SaveChangesAsync(cancellationToken);
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}

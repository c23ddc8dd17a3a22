using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// Keeps people signed in for 30 days after their last visit. A token is good for one use. Using it again within <see cref="ReuseWindow"/> gets the same successor: two tabs refreshed at once, or an
/// answer was lost. Using it again later means that two parties hold it, and ends the whole sign-in.
/// </summary>
internal sealed class RefreshTokens(SendcatDb db, SuccessorTokens successors, RevokedFamilyWatch revocations, TimeProvider time, ILogger<RefreshTokens> logger)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);
    public static readonly TimeSpan ReuseWindow = TimeSpan.FromSeconds(10);

    private const int LongestToken = 128;

    /// <summary>Begins a new sign-in, and deletes what has expired of the user's earlier ones.</summary>
    /// <param name="securityStamp">As it was when the password was checked.</param>
    /// <returns>Null when the password was changed since.</returns>
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

    /// <returns>The sign-in and its next token, or null if this one is unknown, expired, revoked or was used before.</returns>
    public async Task<(AccessGrant Grant, string Token)?> RotateAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length > LongestToken)
        {
            return null;
        }

        var hash = Hash(token);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await LockOwnerAsync(hash, cancellationToken) is not { } link)
        {
            return null;
        }

        var now = time.GetUtcNow();
        if (link.RevokedAt is not null || link.ExpiresAt <= now)
        {
            return null;
        }

        var next = successors.After(token, link.FamilyId);
        if (link.UsedAt is null)
        {
            await db.RefreshTokens.Where(t => t.Id == link.Id).ExecuteUpdateAsync(set => set.SetProperty(t => t.UsedAt, now), cancellationToken);
            await AppendAsync(link.UserId, link.FamilyId, next, cancellationToken);
        }
        else if (now - link.UsedAt > ReuseWindow)
        {
            var families = await RevokeAsync(db.RefreshTokens.Where(t => t.FamilyId == link.FamilyId), cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            await revocations.AnnounceAsync(families);
            logger.RefreshTokenReused(link.UserId);
            return null;
        }

        var confirmed = await db.Users.AnyAsync(u => u.Id == link.UserId && u.EmailConfirmed, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (new(link.UserId, link.FamilyId, confirmed), next);
    }

    /// <summary>Ends the sign-in that the token belongs to, with its access tokens. An unknown token ends nothing and is no error.</summary>
    public async Task EndAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length > LongestToken)
        {
            return;
        }

        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await LockOwnerAsync(Hash(token), cancellationToken) is { } link)
        {
            var families = await RevokeAsync(db.RefreshTokens.Where(t => t.FamilyId == link.FamilyId), cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            await revocations.AnnounceAsync(families);
        }
    }

    /// <summary>Ends every sign-in of the user within the caller's transaction.</summary>
    /// <returns>What to announce when that is committed.</returns>
    public Task<Guid[]> EndAllAsync(string userId, CancellationToken cancellationToken) => RevokeAsync(db.RefreshTokens.Where(t => t.UserId == userId), cancellationToken);

    /// <summary>One change at a time to the sign-ins of a user, until the transaction ends: what is being renewed cannot slip past what is being ended.</summary>
    public Task LockAsync(string userId, CancellationToken cancellationToken) =>
        db.Database.ExecuteSqlAsync(
            $"""
            -- lock sign ins
            SELECT pg_advisory_xact_lock(hashtextextended({userId}, 0))
            """,
            cancellationToken);

    private async Task<RefreshToken?> LockOwnerAsync(byte[] hash, CancellationToken cancellationToken)
    {
        if (await db.RefreshTokens.Where(t => t.TokenHash == hash).Select(t => t.UserId).SingleOrDefaultAsync(cancellationToken) is not { } userId)
        {
            return null;
        }

        await LockAsync(userId, cancellationToken);
        return await db.RefreshTokens.AsNoTracking().SingleOrDefaultAsync(t => t.TokenHash == hash, cancellationToken);
    }

    private async Task<Guid[]> RevokeAsync(IQueryable<RefreshToken> tokens, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var living = tokens.Where(t => t.RevokedAt == null);
        var families = await living.Select(t => t.FamilyId).Distinct().ToArrayAsync(cancellationToken);
        await living.ExecuteUpdateAsync(set => set.SetProperty(t => t.RevokedAt, now), cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            -- revoke families
            INSERT INTO revoked_families (family_id, revoked_at) SELECT family, clock_timestamp() FROM unnest({families}) AS family ON CONFLICT (family_id) DO NOTHING
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

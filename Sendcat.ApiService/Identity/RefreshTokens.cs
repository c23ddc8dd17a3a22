using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;

namespace Sendcat.ApiService.Identity;

/// <summary>Keeps people signed in for 30 days after their last visit. A token is good for one use; using it again means that two parties hold it, and ends the whole sign-in.</summary>
internal sealed class RefreshTokens(SendcatDb db, TimeProvider time, ILogger<RefreshTokens> logger)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    private const string Prefix = "rt_";
    private const int LongestToken = 128;

    /// <summary>Begins a new sign-in, and sweeps out what has expired of the user's earlier ones.</summary>
    public async Task<string> BeginAsync(string userId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await db.RefreshTokens.Where(t => t.UserId == userId && t.ExpiresAt < now).ExecuteDeleteAsync(cancellationToken);
        return await AppendAsync(userId, Guid.CreateVersion7(now), cancellationToken);
    }

    /// <returns>The user and the next token, or null if this one is unknown, expired, revoked or was used before.</returns>
    public async Task<(string UserId, string Token)?> RotateAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length > LongestToken)
        {
            return null;
        }

        var now = time.GetUtcNow();
        var hash = Hash(token);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var taken = await db.RefreshTokens
            .Where(t => t.TokenHash == hash && t.UsedAt == null && t.RevokedAt == null && t.ExpiresAt > now)
            .ExecuteUpdateAsync(set => set.SetProperty(t => t.UsedAt, now), cancellationToken);
        var link = await db.RefreshTokens.AsNoTracking().SingleOrDefaultAsync(t => t.TokenHash == hash, cancellationToken);
        if (link is null)
        {
            return null;
        }

        if (taken == 0)
        {
            if (link.UsedAt is not null && link.RevokedAt is null)
            {
                await RevokeAsync(link.FamilyId, cancellationToken);
                logger.RefreshTokenReused(link.UserId);
            }

            await transaction.CommitAsync(cancellationToken);
            return null;
        }

        var next = await AppendAsync(link.UserId, link.FamilyId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (link.UserId, next);
    }

    /// <summary>Ends the sign-in that the token belongs to. An unknown token ends nothing and is no error.</summary>
    public async Task EndAsync(string token, CancellationToken cancellationToken)
    {
        var hash = Hash(token.Length > LongestToken ? "" : token);
        var family = await db.RefreshTokens.Where(t => t.TokenHash == hash).Select(t => (Guid?)t.FamilyId).SingleOrDefaultAsync(cancellationToken);
        if (family is { } id)
        {
            await RevokeAsync(id, cancellationToken);
        }
    }

    /// <summary>Ends every sign-in of the user, after a password was reset.</summary>
    public Task EndAllAsync(string userId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return db.RefreshTokens.Where(t => t.UserId == userId && t.RevokedAt == null).ExecuteUpdateAsync(set => set.SetProperty(t => t.RevokedAt, now), cancellationToken);
    }

    private Task RevokeAsync(Guid family, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return db.RefreshTokens.Where(t => t.FamilyId == family && t.RevokedAt == null).ExecuteUpdateAsync(set => set.SetProperty(t => t.RevokedAt, now), cancellationToken);
    }

    private async Task<string> AppendAsync(string userId, Guid family, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var token = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
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
        return token;
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}

using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Google;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Identity.Tokens;
using Sendcat.ApiService.Mail;
using Sendcat.Integrations.Mail;

namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>Links a Google account to the account of a signed-in user, and unlinks it.</summary>
internal sealed class GoogleLinks(
    SendcatDb db, ILookupNormalizer normalizer, RefreshTokens refreshTokens, OutgoingMails mails, TimeProvider time,
    ILogger<GoogleLinks> logger)
{
    /// <summary>
    /// Links the Google account, whatever its address is. To an account whose address is not confirmed, only a Google account with the same
    /// verified address can be linked, which confirms it: else whoever registers the address of another person would keep a way in.
    /// </summary>
    /// <returns>
    /// Null on success, also when it was linked before; 403 for an account that is not confirmed or was changed meanwhile, 409 when either
    /// account is linked to another one.
    /// </returns>
    public async Task<ApiError?> LinkAsync(CheckedAccount account, GoogleAccount google, CancellationToken cancellationToken)
    {
        try
        {
            return await TryLinkAsync(account, google, cancellationToken);
        }
        catch (DbUpdateException conflict) when (
            conflict.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return LinkedElsewhere();
        }
    }

    /// <returns>
    /// Null on success; 404 when no Google account is linked, 409 when it is the only way to sign in, 403 when the account was changed
    /// meanwhile.
    /// </returns>
    public async Task<ApiError?> UnlinkAsync(CheckedAccount account, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await refreshTokens.LockAsync(account.UserId, cancellationToken);
        var user = await Unchanged(account).Select(u => new { HasPassword = u.PasswordHash != null })
            .SingleOrDefaultAsync(cancellationToken);
        if (user is not { HasPassword: true })
        {
            return user is null
                ? ChangedMeanwhile()
                : ApiError.Conflict(
                    "Google is the only way to sign in to this account. Set a password first") with { Reason = RefusalReason.LastSignIn };
        }

        if (await db.ExternalSignIns.Where(s => s.UserId == account.UserId && s.Provider == ExternalSignIn.Google)
            .ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return ApiError.NotFound("No Google account is linked");
        }

        await transaction.CommitAsync(cancellationToken);
        logger.GoogleLinked(account.UserId, "unlinked");
        return null;
    }

    private async Task<ApiError?> TryLinkAsync(CheckedAccount account, GoogleAccount google, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await refreshTokens.LockAsync(account.UserId, cancellationToken);
        var user = await Unchanged(account).Select(u => new { u.EmailConfirmed, u.NormalizedEmail })
            .SingleOrDefaultAsync(cancellationToken);
        if (user is null)
        {
            return ChangedMeanwhile();
        }

        var links = await db.ExternalSignIns.AsNoTracking()
            .Where(s => s.Provider == ExternalSignIn.Google && (s.UserId == account.UserId || s.Subject == google.Subject))
            .ToListAsync(cancellationToken);
        if (links is [var link])
        {
            return link.UserId == account.UserId && link.Subject == google.Subject ? null : LinkedElsewhere();
        }

        if (links.Count > 0)
        {
            return LinkedElsewhere();
        }

        if (!user.EmailConfirmed)
        {
            if (!google.IsVerified || normalizer.NormalizeEmail(google.Email) != user.NormalizedEmail)
            {
                return ApiError.Forbidden("Confirm your e-mail address first");
            }

            await Unchanged(account).ExecuteUpdateAsync(set => set.SetProperty(u => u.EmailConfirmed, true), cancellationToken);
        }

        db.ExternalSignIns.Add(new()
        {
            Provider = ExternalSignIn.Google, Subject = google.Subject, UserId = account.UserId, Email = google.Email,
            LinkedAt = time.Now(),
        });
        await db.SaveChangesAsync(cancellationToken);
        await mails.EnqueueAsync(db, MailKind.GoogleLinked, account.Email, account.UserId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        mails.Signal();
        logger.GoogleLinked(account.UserId, "linked");
        return null;
    }

    private IQueryable<SendcatUser> Unchanged(CheckedAccount account) =>
        db.Users.Where(u => u.Id == account.UserId && u.SecurityStamp == account.SecurityStamp);

    private static ApiError LinkedElsewhere() =>
        ApiError.Conflict("This account or this Google account is linked to another one") with
        {
            Reason = RefusalReason.OtherGoogleAccount,
        };

    private static ApiError ChangedMeanwhile() => ApiError.Forbidden("The account was changed at the same time. Sign in again");
}

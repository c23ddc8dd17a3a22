using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Passwords;
using Sendcat.ApiService.Identity.Tokens;
using Sendcat.ApiService.Mail;
using Sendcat.Integrations.Mail;

namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>Changes the password or the address of an account, and deletes accounts.</summary>
internal sealed class AccountChanges(
    SendcatDb db, UserManager<SendcatUser> users, PasswordHashes passwords, RefreshTokens refreshTokens, RevokedFamilyWatch revocations,
    OutgoingMails mails, IEnumerable<AccountContent> contents, ILogger<AccountChanges> logger)
{
    /// <summary>Sets the password, revokes all sign-ins of the user and starts a new one.</summary>
    /// <returns>
    /// The new sign-in and its first refresh token; 403 when the account was changed since <paramref name="account"/> was checked, 503 when
    /// too many passwords are being hashed.
    /// </returns>
    public async Task<Outcome<NewSignIn>> SetPasswordAsync(CheckedAccount account, string newPassword, CancellationToken cancellationToken)
    {
        if (!(await passwords.HashAsync(newPassword, cancellationToken)).TryGet(out var hash, out var busy))
        {
            return busy;
        }

        var stamp = NewStamp();
        var families = Array.Empty<Guid>();
        await using (var transaction = await db.Database.BeginTransactionAsync(cancellationToken))
        {
            await refreshTokens.LockAsync(account.UserId, cancellationToken);
            var changed = await Unchanged(account).ExecuteUpdateAsync(
                set => set.SetProperty(u => u.PasswordHash, hash).SetProperty(u => u.SecurityStamp, stamp), cancellationToken);
            if (changed == 0)
            {
                return ChangedMeanwhile();
            }

            families = await refreshTokens.EndAllAsync(account.UserId, cancellationToken);
            await mails.EnqueueAsync(db, MailKind.PasswordChanged, account.Email, account.UserId, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        mails.Signal();

        await revocations.PublishAsync(families);
        logger.PasswordChanged(account.UserId, families.Length);
        var confirmed = await db.Users.AnyAsync(u => u.Id == account.UserId && u.EmailConfirmed, cancellationToken);
        return await refreshTokens.BeginAsync(account.UserId, stamp, cancellationToken) is var (family, token)
            ? new NewSignIn(new(account.UserId, family, confirmed), token)
            : ChangedMeanwhile();
    }

    /// <summary>
    /// Sets the address that the link was mailed to, as a confirmed one. The security stamp changes, so links that were mailed to the old
    /// address are no longer valid. Sign-ins stay valid.
    /// </summary>
    /// <returns>Null on success; 400 for a link that is not valid, also when another account has the address by now.</returns>
    public async Task<ApiError?> SetEmailAsync(string token, string email, CancellationToken cancellationToken)
    {
        if (LinkTokens.UserOf(token) is not { } id
            || await users.FindByIdAsync(id) is not { SecurityStamp: { } stamp, Email: { } oldEmail } user
            || !await users.VerifyUserTokenAsync(user, LinkTokens.ProviderName, UserManager<SendcatUser>.GetChangeEmailTokenPurpose(email), token))
        {
            return NotValid();
        }

        var (name, newStamp) = (users.NormalizeName(email), NewStamp());
        try
        {
            await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
            var changed = await Unchanged(new(id, oldEmail, stamp)).ExecuteUpdateAsync(
                set => set
                    .SetProperty(u => u.Email, email).SetProperty(u => u.NormalizedEmail, name)
                    .SetProperty(u => u.UserName, email).SetProperty(u => u.NormalizedUserName, name)
                    .SetProperty(u => u.EmailConfirmed, true).SetProperty(u => u.SecurityStamp, newStamp),
                cancellationToken);
            if (changed == 0)
            {
                return NotValid();
            }

            await db.Profiles.Where(p => p.UserId == id && p.Email == oldEmail)
                .ExecuteUpdateAsync(set => set.SetProperty(p => p.Email, email), cancellationToken);
            await mails.EnqueueAsync(db, MailKind.AddressChanged, oldEmail, id, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException conflict) when (conflict.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return NotValid();
        }

        logger.AddressChanged(id);
        mails.Signal();
        return null;
    }

    /// <summary>
    /// Deletes the account with all that hangs on it, in one transaction, and revokes its sign-ins. It goes on when the client leaves: a
    /// large account takes longer than some clients wait, and a repeated request would start from nothing.
    /// </summary>
    /// <returns>Null on success; 403 when the account was changed since <paramref name="account"/> was checked.</returns>
    public async Task<ApiError?> DeleteAsync(CheckedAccount account, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await refreshTokens.LockAsync(account.UserId, cancellationToken);
        var families = await refreshTokens.EndAllAsync(account.UserId, cancellationToken);
        foreach (var content in contents)
        {
            int deleted;
            do
            {
                var user = new NpgsqlParameter("user", account.UserId);
                deleted = await db.Database.ExecuteSqlRawAsync(content.Delete, [user], CancellationToken.None);
            }
            while (deleted > 0);
        }

        if (await Unchanged(account).ExecuteDeleteAsync(CancellationToken.None) == 0)
        {
            return ChangedMeanwhile();
        }

        await mails.EnqueueAsync(db, MailKind.AccountDeleted, account.Email, userId: null, CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
        mails.Signal();
        await revocations.PublishAsync(families);
        logger.AccountDeleted(account.UserId);
        return null;
    }

    private IQueryable<SendcatUser> Unchanged(CheckedAccount account) =>
        db.Users.Where(u => u.Id == account.UserId && u.SecurityStamp == account.SecurityStamp);

    private static string NewStamp() => Guid.NewGuid().ToString("N");

    private static ApiError NotValid() => ApiError.InvalidRequest("The link is not valid any more");

    private static ApiError ChangedMeanwhile() => ApiError.Forbidden("The account was changed at the same time. Sign in again");
}

/// <param name="Grant">The claims of its access tokens.</param>
/// <param name="RefreshToken">Its first refresh token.</param>
internal sealed record NewSignIn(AccessGrant Grant, string RefreshToken);

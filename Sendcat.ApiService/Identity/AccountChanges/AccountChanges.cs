using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Passwords;
using Sendcat.ApiService.Identity.Tokens;
using Sendcat.ApiService.Mail;
using Sendcat.Integrations.Mail;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>Changes the password or the address of an account, and deletes accounts.</summary>
internal sealed class AccountChanges(
    SendcatDb db, UserManager<SendcatUser> users, PasswordHashes passwords, RefreshTokens refreshTokens, RevokedFamilyWatch revocations,
    OutgoingMails mails, AccountDeletions deletions, TimeProvider time, ILogger<AccountChanges> logger)
{
    /// <summary>The time for which a request waits until all that hangs on its account is deleted.</summary>
    private static readonly TimeSpan DeletionWait = TimeSpan.FromSeconds(10);

    private const int MaxAttempts = 3;

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
            || !await users.VerifyUserTokenAsync(
                user, LinkTokens.ProviderName, UserManager<SendcatUser>.GetChangeEmailTokenPurpose(email), token))
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
    /// Ends the access to the account, then lets <see cref="AccountDeletions"/> delete all that hangs on it, and waits for that a while.
    /// When the access has ended, the account is gone for its user and its address is free, whatever happens then.
    /// </summary>
    /// <returns>
    /// True: nothing is left. False: the access has ended, and the rest is deleted in the background. 403 when the account was changed
    /// since <paramref name="account"/> was checked.
    /// </returns>
    public async Task<Outcome<bool>> DeleteAsync(CheckedAccount account, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryDeleteAsync(account, cancellationToken);
            }
            catch (PostgresException conflict) when (conflict.SqlState == PostgresErrorCodes.DeadlockDetected && attempt < MaxAttempts)
            {
            }
        }
    }

    private async Task<Outcome<bool>> TryDeleteAsync(CheckedAccount account, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await refreshTokens.LockAsync(account.UserId, cancellationToken);
        var stamp = NewStamp();

        // The client may leave from here on: a repeated request would only find that the access has ended.
        var changed = await Unchanged(account).ExecuteUpdateAsync(
            set => set
                .SetProperty(u => u.Email, (string?)null).SetProperty(u => u.NormalizedEmail, (string?)null)
                .SetProperty(u => u.UserName, (string?)null).SetProperty(u => u.NormalizedUserName, (string?)null)
                .SetProperty(u => u.EmailConfirmed, false).SetProperty(u => u.PasswordHash, (string?)null)
                .SetProperty(u => u.SecurityStamp, stamp),
            CancellationToken.None);
        if (changed == 0)
        {
            return ChangedMeanwhile();
        }

        var families = await refreshTokens.EndAllAsync(account.UserId, CancellationToken.None);
        await db.ExternalSignIns.Where(s => s.UserId == account.UserId).ExecuteDeleteAsync(CancellationToken.None);
        await db.SignInAddresses.Where(a => a.UserId == account.UserId).ExecuteDeleteAsync(CancellationToken.None);
        await db.Profiles.Where(p => p.UserId == account.UserId).ExecuteDeleteAsync(CancellationToken.None);
        var normalizedAddress = users.NormalizeEmail(account.Email);
        await db.Database.ExecuteSqlAsync(
            $"""
            -- enter account deletion
            INSERT INTO account_deletions (user_id, address, normalized_address, requested_at, taken_until)
            VALUES ({account.UserId}, {account.Email}, {normalizedAddress}, now(), now())
            """,
            CancellationToken.None);
        using var deletion = deletions.Await(account.UserId);
        await transaction.CommitAsync(CancellationToken.None);
        deletions.Signal();
        await revocations.PublishAsync(families);
        logger.AccountClosed(account.UserId, families.Length);
        await deletion.Ended.WaitAsync(DeletionWait, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return deletion.Ended.IsCompletedSuccessfully || await IsGoneAsync(account.UserId);
    }

    /// <summary>Another replica may have deleted it. While Postgres does not respond, it counts as not deleted yet.</summary>
    private async Task<bool> IsGoneAsync(string userId)
    {
        try
        {
            return !await db.Users.AnyAsync(u => u.Id == userId, CancellationToken.None);
        }
        catch (Exception failure) when (PostgresFailure.Is(failure.GetBaseException()))
        {
            return false;
        }
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

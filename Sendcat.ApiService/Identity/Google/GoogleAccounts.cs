using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Profiles;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Identity.Tokens;
using Sendcat.ApiService.Mail;
using Sendcat.Integrations.Mail;

namespace Sendcat.ApiService.Identity.Google;

/// <summary>Signs users in with a proven Google account, and creates or links their account at the first time (decision 19).</summary>
internal sealed class GoogleAccounts(
    SendcatDb db, ILookupNormalizer normalizer, RefreshTokens refreshTokens, RevokedFamilyWatch revocations, AccessTokens accessTokens,
    AdoptSession adoptSession, OutgoingMails mails, TimeProvider time, ILogger<GoogleAccounts> logger)
{
    /// <summary>Attempts while other requests change the same account.</summary>
    private const int MaxAttempts = 3;

    /// <param name="proof">The Google account.</param>
    /// <param name="session">The anonymous session whose threads the user adopts; null: none.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>
    /// The sign-in; 403 for an address that Google has not verified, 409 when an account of that address exists that Google does not prove,
    /// 401 when the account was deleted or unlinked meanwhile.
    /// </returns>
    public async Task<Outcome<SignedIn>> SignInAsync(GoogleProof proof, string? session, CancellationToken cancellationToken)
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            if (!(await FindOrLinkAsync(proof, cancellationToken)).TryGet(out var found, out var refusal))
            {
                return refusal;
            }

            if (found != LinkedUser.None
                && await refreshTokens.BeginAsync(found.Id, found.SecurityStamp, cancellationToken) is var (family, token))
            {
                var adopted = await adoptSession(found.Id, session, cancellationToken);
                return SignedIn.With(accessTokens.Issue(new(found.Id, family, found.EmailConfirmed)), token) with
                {
                    ClaimedCount = session is null ? null : adopted,
                };
            }
        }

        return ApiError.Conflict("The account was changed at the same time");
    }

    /// <returns>
    /// The user; <see cref="LinkedUser.None"/> when another request changed the account meanwhile, and an attempt may succeed now.
    /// </returns>
    private async Task<Outcome<LinkedUser>> FindOrLinkAsync(GoogleProof proof, CancellationToken cancellationToken)
    {
        var google = proof.Account;
        var linked = await db.ExternalSignIns.Where(s => s.Provider == ExternalSignIn.Google && s.Subject == google.Subject)
            .Join(db.Users, s => s.UserId, u => u.Id, (_, u) => new LinkedUser(u.Id, u.SecurityStamp ?? "", u.EmailConfirmed))
            .SingleOrDefaultAsync(cancellationToken);
        if (linked is not null)
        {
            return linked;
        }

        if (proof.UserId is not null)
        {
            return ApiError.Unauthorized("The account does not exist any more, or Google was unlinked from it");
        }

        if (!google.IsVerified)
        {
            return ApiError.Forbidden("Google has not verified the address of this account") with
            {
                Reason = RefusalReason.AddressUnverified,
            };
        }

        var name = normalizer.NormalizeEmail(google.Email)!;
        var links = db.ExternalSignIns.Where(s => s.Provider == ExternalSignIn.Google);
        var existing = await db.Users.Where(u => u.NormalizedUserName == name)
            .Select(
                u => new
                {
                    u.Id, u.EmailConfirmed, Stamp = u.SecurityStamp ?? "",
                    GoogleSubject = links.Where(s => s.UserId == u.Id).Select(s => s.Subject).FirstOrDefault(),
                })
            .SingleOrDefaultAsync(cancellationToken);
        try
        {
            return existing switch
            {
                null => await CreateAsync(google, name, cancellationToken),
                { EmailConfirmed: false } => await TakeOverAsync(google, existing.Id, existing.Stamp, cancellationToken),
                // Another request linked it since the first query.
                { GoogleSubject: { } subject } when subject == google.Subject => LinkedUser.None,
                // The address of an organization may have been given to another person, who got a Google account of their own.
                { GoogleSubject: not null } => ApiError.Conflict("The account of this address is linked to another Google account") with
                {
                    Reason = RefusalReason.OtherGoogleAccount,
                },
                _ when google.IsAuthoritative => await LinkAsync(google, existing.Id, existing.Stamp, cancellationToken),
                _ => ApiError.Conflict("An account of this address exists. Sign in to it first, then link Google") with
                {
                    Reason = RefusalReason.LinkRequired,
                },
            };
        }
        catch (DbUpdateException conflict) when (
            conflict.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            // Another request created or linked the same account first.
            db.ChangeTracker.Clear();
            return LinkedUser.None;
        }
    }

    private async Task<Outcome<LinkedUser>> CreateAsync(GoogleAccount google, string normalizedName, CancellationToken cancellationToken)
    {
        var now = time.Now();
        var user = new SendcatUser
        {
            Id = Guid.CreateVersion7(now).ToString("D"),
            UserName = google.Email,
            NormalizedUserName = normalizedName,
            Email = google.Email,
            NormalizedEmail = normalizedName,
            EmailConfirmed = true,
            SecurityStamp = NewStamp(),
            LockoutEnabled = true,
            CreatedAt = now,
        };
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        db.Users.Add(user);
        db.Profiles.Add(NewProfile(google, user.Id, now));
        db.ExternalSignIns.Add(NewLink(google, user.Id, now));
        await db.SaveChangesAsync(cancellationToken);
        await mails.EnqueueAsync(db, MailKind.Welcome, google.Email, user.Id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        mails.Signal();
        logger.GoogleLinked(user.Id, "created");
        return new LinkedUser(user.Id, user.SecurityStamp, true);
    }

    private async Task<Outcome<LinkedUser>> LinkAsync(
        GoogleAccount google, string userId, string stamp, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        db.ExternalSignIns.Add(NewLink(google, userId, time.Now()));
        await db.SaveChangesAsync(cancellationToken);
        await mails.EnqueueAsync(db, MailKind.GoogleLinked, google.Email, userId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        mails.Signal();
        logger.GoogleLinked(userId, "linked");
        return new LinkedUser(userId, stamp, true);
    }

    /// <summary>
    /// Gives an account whose address was never confirmed to the owner of the address. Whoever registered it loses every way in: password,
    /// sign-ins, linked accounts, mailed links. The personal data of the profile is theirs and is deleted; conversations stay.
    /// </summary>
    private async Task<Outcome<LinkedUser>> TakeOverAsync(
        GoogleAccount google, string userId, string stamp, CancellationToken cancellationToken)
    {
        var (now, newStamp) = (time.Now(), NewStamp());
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await refreshTokens.LockAsync(userId, cancellationToken);
        var changed = await db.Users.Where(u => u.Id == userId && u.SecurityStamp == stamp && !u.EmailConfirmed).ExecuteUpdateAsync(
            // Addresses that normalize to the same text may differ, and only the one of Google is verified.
            set => set.SetProperty(u => u.PasswordHash, (string?)null).SetProperty(u => u.SecurityStamp, newStamp)
                .SetProperty(u => u.Email, google.Email).SetProperty(u => u.UserName, google.Email)
                .SetProperty(u => u.EmailConfirmed, true),
            cancellationToken);
        if (changed == 0)
        {
            return LinkedUser.None;
        }

        await db.SignInAddresses.Where(a => a.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await db.ExternalSignIns.Where(s => s.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await db.Profiles.Where(p => p.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        db.Profiles.Add(NewProfile(google, userId, now));
        db.ExternalSignIns.Add(NewLink(google, userId, now));
        await db.SaveChangesAsync(cancellationToken);
        var families = await refreshTokens.EndAllAsync(userId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await revocations.PublishAsync(families);
        logger.GoogleLinked(userId, "taken over");
        return new LinkedUser(userId, newStamp, true);
    }

    private static Profile NewProfile(GoogleAccount google, string userId, DateTimeOffset now) => new()
    {
        Id = Guid.CreateVersion7(now),
        SessionId = Profile.RowOf(userId),
        UserId = userId,
        FullName = google.Name ?? google.Email[..google.Email.IndexOf('@', StringComparison.Ordinal)],
        Email = google.Email,
        CreatedAt = now,
    };

    private static ExternalSignIn NewLink(GoogleAccount google, string userId, DateTimeOffset now) =>
        new() { Provider = ExternalSignIn.Google, Subject = google.Subject, UserId = userId, Email = google.Email, LinkedAt = now };

    private static string NewStamp() => Guid.NewGuid().ToString("N");

    private sealed record LinkedUser(string Id, string SecurityStamp, bool EmailConfirmed)
    {
        public static readonly LinkedUser None = new("", "", false);
    }
}

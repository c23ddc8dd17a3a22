using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Identity;

/// <summary>Registering, signing in, and choosing a new password. No answer tells whether an account exists.</summary>
internal sealed class Accounts(UserManager<SendcatUser> users, SendcatDb db, RefreshTokens refreshTokens, AccessTokens accessTokens, ThreadClaims claims, WelcomeMails welcome, TimeProvider time,
    ILogger<Accounts> logger)
{
    public const int WrongPasswordsBeforeLockout = 5;
    public static readonly TimeSpan Lockout = TimeSpan.FromMinutes(15);

    private static readonly SendcatUser Nobody = new() { Id = "nobody" };
    private static readonly string NobodysHash = new PasswordHasher<SendcatUser>().HashPassword(Nobody, "nobody's password");

    /// <summary>Creates user and profile, hands over the session's threads and greets the user by mail. An address that is taken changes nothing and is answered alike.</summary>
    public async Task RegisterAsync(Registration registration, string? session, CancellationToken cancellationToken)
    {
        var email = registration.Email!;
        if (await users.FindByEmailAsync(email) is not null)
        {
            // As much work as the hash of a new account.
            users.PasswordHasher.HashPassword(Nobody, registration.Password!);
            return;
        }

        var now = time.GetUtcNow();
        var user = new SendcatUser { Id = Guid.CreateVersion7(now).ToString("D"), UserName = email, Email = email, CreatedAt = now };
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        try
        {
            var created = await users.CreateAsync(user, registration.Password!);
            if (!created.Succeeded)
            {
                return;
            }
        }
        catch (DbUpdateException taken) when (taken.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            // Somebody registered the same address between our look and our write.
            return;
        }

        db.Profiles.Add(new()
        {
            Id = Guid.CreateVersion7(now),
            SessionId = Profile.RowOf(user.Id),
            UserId = user.Id,
            FullName = string.IsNullOrWhiteSpace(registration.Name) ? email[..email.IndexOf('@', StringComparison.Ordinal)] : registration.Name.Trim(),
            Email = email,
            CreatedAt = now,
        });
        await db.SaveChangesAsync(cancellationToken);
        await claims.ClaimAsync(user.Id, session, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        welcome.Send(user.Id, email);
    }

    public async Task<Outcome<SignedIn>> SignInAsync(SignIn signIn, string? session, CancellationToken cancellationToken)
    {
        var user = await users.FindByEmailAsync(signIn.Email!);
        if (user is null || user.LockoutEnd > time.GetUtcNow())
        {
            users.PasswordHasher.VerifyHashedPassword(Nobody, NobodysHash, signIn.Password!);
            return Wrong();
        }

        if (!await users.CheckPasswordAsync(user, signIn.Password!))
        {
            await CountWrongPasswordAsync(user, cancellationToken);
            return Wrong();
        }

        if (user.AccessFailedCount > 0)
        {
            await db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(set => set.SetProperty(u => u.AccessFailedCount, 0), cancellationToken);
        }

        var claimed = await claims.ClaimAsync(user.Id, session, cancellationToken);
        return Answer(user.Id, await refreshTokens.BeginAsync(user.Id, cancellationToken)) with { ClaimedCount = session is null ? null : claimed };
    }

    public async Task<Outcome<SignedIn>> RefreshAsync(string token, CancellationToken cancellationToken) =>
        await refreshTokens.RotateAsync(token, cancellationToken) is var (userId, next) ? Answer(userId, next) : ApiError.Unauthorized("The refresh token is not valid any more");

    /// <summary>Sets the new password, opens a locked account and ends every sign-in made with the old one.</summary>
    public async Task<ApiError?> ResetPasswordAsync(PasswordReset reset, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (ResetTokens.UserOf(reset.Token!) is not { } userId
            || await users.FindByIdAsync(userId) is not { } user
            || !(await users.ResetPasswordAsync(user, reset.Token!, reset.NewPassword!)).Succeeded)
        {
            return ApiError.InvalidRequest("The link is not valid any more");
        }

        await db.Users.Where(u => u.Id == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(u => u.AccessFailedCount, 0).SetProperty(u => u.LockoutEnd, (DateTimeOffset?)null), cancellationToken);
        await refreshTokens.EndAllAsync(userId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return null;
    }

    /// <summary>One statement, so that guesses made at the same time are all counted.</summary>
    private async Task CountWrongPasswordAsync(SendcatUser user, CancellationToken cancellationToken)
    {
        var until = time.GetUtcNow() + Lockout;
        await db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(
            set => set
                .SetProperty(u => u.AccessFailedCount, u => (u.AccessFailedCount + 1) % WrongPasswordsBeforeLockout)
                .SetProperty(u => u.LockoutEnd, u => u.AccessFailedCount + 1 >= WrongPasswordsBeforeLockout ? until : u.LockoutEnd),
            cancellationToken);
        if (user.AccessFailedCount + 1 >= WrongPasswordsBeforeLockout)
        {
            logger.LockedOut(user.Id);
        }
    }

    private SignedIn Answer(string userId, string refreshToken) => new(accessTokens.Issue(userId), refreshToken, (int)AccessTokens.Lifetime.TotalSeconds, "Bearer");

    private static ApiError Wrong() => ApiError.Unauthorized("E-mail or password is wrong");
}

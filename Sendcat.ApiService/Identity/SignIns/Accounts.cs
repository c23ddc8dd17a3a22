using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Passwords;
using Sendcat.ApiService.Identity.Tokens;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Identity.SignIns;

/// <summary>
/// Signs users in, confirms addresses and resets passwords. Neither a response nor its timing reveals whether an account exists.
/// </summary>
internal sealed class Accounts(
    UserManager<SendcatUser> users, PasswordHashes passwords, SignInAttempts attempts, AddressDigests digests, SendcatDb db,
    RefreshTokens refreshTokens,
    RevokedFamilyWatch revocations, AccessTokens accessTokens, AdoptSession adoptSession, TimeProvider time, ILogger<Accounts> logger)
{
    /// <param name="signIn">A valid request: its address and password are present.</param>
    /// <param name="client">The keys of the network address, from <c>ClientAddress.KeysOf</c>.</param>
    /// <param name="session">The anonymous session whose threads the user adopts; null: none.</param>
    public async Task<Outcome<SignedIn>> SignInAsync(
        SignIn signIn, IReadOnlyList<LimitKey> client, string? session, CancellationToken cancellationToken)
    {
        var address = digests.OfClient(client[0].Name);
        var check = await attempts.CountWrongAsync(
            client, signIn.Email!, attempt => CheckAsync(signIn, address, attempt, cancellationToken), cancellationToken);
        if (!check.TryGet(out var newSignIn, out var refusal))
        {
            return refusal;
        }

        var (account, family, token) = newSignIn;
        await SaveSignInAddressAsync(account.Id, address, cancellationToken);
        var adopted = await adoptSession(account.Id, session, cancellationToken);
        return Tokens(new(account.Id, family, account.EmailConfirmed), token) with { ClaimedCount = session is null ? null : adopted };
    }

    /// <summary>Checks the password, and begins the sign-in when it is correct.</summary>
    private async Task<(Outcome<(Account Account, Guid Family, string Token)> Result, bool IsWrong)> CheckAsync(
        SignIn signIn, string address, RateLimitDecision attempt, CancellationToken cancellationToken)
    {
        var account = await FindAsync(signIn.Email!, address, cancellationToken);
        if (!attempt.Allowed && account is not { HasSignedInFromAddress: true })
        {
            return (TooManyAttempts(attempt), true);
        }

        if (!(await passwords.VerifyAsync(account?.PasswordHash, signIn.Password!, cancellationToken))
            .TryGet(out var isCorrect, out var busy))
        {
            return (busy, false);
        }

        return account is not null && isCorrect
            && await refreshTokens.BeginAsync(account.Id, account.SecurityStamp, cancellationToken) is var (family, token)
            ? ((account, family, token), false)
            : (attempt.Allowed ? ApiError.Unauthorized("E-mail or password is wrong") : TooManyAttempts(attempt), true);
    }

    public async Task<Outcome<SignedIn>> RefreshAsync(string token, CancellationToken cancellationToken) =>
        await refreshTokens.RotateAsync(token, cancellationToken) is var (grant, next)
            ? Tokens(grant, next)
            : ApiError.Unauthorized("The refresh token is not valid any more");

    /// <summary>
    /// Marks the address of the account as confirmed: the token proves access to its mailbox. Access tokens contain it from the next
    /// refresh on.
    /// </summary>
    /// <returns>Null on success, else the error.</returns>
    public async Task<ApiError?> ConfirmAsync(string token, CancellationToken cancellationToken)
    {
        if (await OwnerAsync(token, UserManager<SendcatUser>.ConfirmEmailTokenPurpose) is not var (userId, stamp))
        {
            return NotValid();
        }

        var confirmed = await db.Users.Where(u => u.Id == userId && u.SecurityStamp == stamp)
            .ExecuteUpdateAsync(set => set.SetProperty(u => u.EmailConfirmed, true), cancellationToken);
        return confirmed == 0 ? NotValid() : null;
    }

    /// <summary>
    /// Sets the new password, confirms the address that the link was sent to, revokes every sign-in of the user, and unlinks accounts of
    /// other providers: an attacker may have linked one.
    /// </summary>
    /// <param name="reset">A valid request: its token and new password are present.</param>
    /// <param name="client">The key of the network address, from <c>ClientAddress.KeyOf</c>.</param>
    /// <returns>Null on success, else the error.</returns>
    public async Task<ApiError?> ResetPasswordAsync(PasswordReset reset, string client, CancellationToken cancellationToken)
    {
        if (await OwnerAsync(reset.Token!, UserManager<SendcatUser>.ResetPasswordTokenPurpose) is not var (userId, stamp))
        {
            return NotValid();
        }

        if (!(await passwords.HashAsync(reset.NewPassword!, cancellationToken)).TryGet(out var hash, out var busy))
        {
            return busy;
        }

        var newStamp = Guid.NewGuid().ToString("N");
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await refreshTokens.LockAsync(userId, cancellationToken);
        var changed = await db.Users.Where(u => u.Id == userId && u.SecurityStamp == stamp).ExecuteUpdateAsync(
            set => set.SetProperty(u => u.PasswordHash, hash).SetProperty(u => u.SecurityStamp, newStamp)
                .SetProperty(u => u.EmailConfirmed, true),
            cancellationToken);
        if (changed == 0)
        {
            // Another request used the same link between the check and this update.
            return NotValid();
        }

        // An attacker may have signed in with the old password, so all known addresses are deleted. The owner of the mailbox may sign in
        // from this address, regardless of earlier wrong passwords.
        await db.SignInAddresses.Where(a => a.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await SaveSignInAddressAsync(userId, digests.OfClient(client), cancellationToken);
        await db.ExternalSignIns.Where(s => s.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        var families = await refreshTokens.EndAllAsync(userId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await revocations.PublishAsync(families);
        logger.PasswordReset(userId, families.Length);
        return null;
    }

    /// <summary>Runs the same single query for an account that exists and for one that does not.</summary>
    private Task<Account?> FindAsync(string email, string address, CancellationToken cancellationToken)
    {
        var name = users.NormalizeName(email);
        var addresses = db.SignInAddresses;
        return db.Users.Where(u => u.NormalizedUserName == name)
            .Select(u => new Account(
                u.Id, u.PasswordHash, u.SecurityStamp ?? "", u.EmailConfirmed,
                addresses.Any(a => a.UserId == u.Id && a.Address == address)))
            .SingleOrDefaultAsync(cancellationToken);
    }

    private Task SaveSignInAddressAsync(string userId, string address, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return db.Database.ExecuteSqlAsync(
            $"""
            -- remember sign in address
            INSERT INTO sign_in_addresses (user_id, address, last_used_at) VALUES ({userId}, {address}, {now})
            ON CONFLICT (user_id, address) DO UPDATE SET last_used_at = excluded.last_used_at
            """,
            cancellationToken);
    }

    /// <returns>
    /// The user that the link was made for and the security stamp that it is bound to; null for a link that is not valid.
    /// </returns>
    private async Task<(string UserId, string Stamp)?> OwnerAsync(string token, string purpose) =>
        LinkTokens.UserOf(token) is { } id
        && await users.FindByIdAsync(id) is { SecurityStamp: { } stamp } user
        && await users.VerifyUserTokenAsync(user, LinkTokens.ProviderName, purpose, token)
            ? (id, stamp)
            : null;

    private SignedIn Tokens(AccessGrant grant, string refreshToken) => SignedIn.With(accessTokens.Issue(grant), refreshToken);

    private static ApiError TooManyAttempts(RateLimitDecision attempt) =>
        ApiError.RateLimited(attempt.RetryAfter, RequestBudget.SignIn, "Too many attempts to sign in");

    private static ApiError NotValid() => ApiError.InvalidRequest("The link is not valid any more");

    private sealed record Account(string Id, string? PasswordHash, string SecurityStamp, bool EmailConfirmed, bool HasSignedInFromAddress);
}

using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Google;
using Sendcat.ApiService.Identity.Passwords;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>
/// Checks the password of a signed-in user, or the linked Google account, again before a change that an access token alone must not allow.
/// Wrong passwords count as failed sign-ins, so the holder of a stolen token cannot guess the password here.
/// </summary>
internal sealed class Reauthentication(
    Principals principals, SignInAttempts attempts, PasswordHashes passwords, GoogleProofs proofs, SendcatDb db)
{
    /// <returns>
    /// The account; else 401 without a signed-in user, 403 for a wrong password, for an account without one and for a Google account that
    /// is not linked, 400 for a code that is not valid, 429 after too many wrong passwords, and 503 when too many passwords are being
    /// hashed.
    /// </returns>
    public async Task<Outcome<CheckedAccount>> CheckAsync(HttpContext http, Credentials credentials, CancellationToken cancellationToken)
    {
        if (!principals.ReadUser(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        var account = await db.Users.Where(u => u.Id == principal.UserId)
            .Select(u => new { u.Id, u.Email, u.PasswordHash, u.SecurityStamp })
            .SingleOrDefaultAsync(cancellationToken);
        if (account is not { Email: { } email, SecurityStamp: { } stamp })
        {
            return ApiError.Unauthorized("The account does not exist any more");
        }

        var checkedAccount = new CheckedAccount(account.Id, email, stamp);
        return credentials.GoogleCode is { } code
            ? await CheckGoogleAsync(http, checkedAccount, code, credentials.GoogleVerifier, cancellationToken)
            : await CheckPasswordAsync(http, checkedAccount, account.PasswordHash, credentials.Password!, cancellationToken);
    }

    private async Task<Outcome<CheckedAccount>> CheckGoogleAsync(
        HttpContext http, CheckedAccount account, string code, string? verifier, CancellationToken cancellationToken)
    {
        if (!(await proofs.TakeAsync(http, code, verifier)).TryGet(out var proof, out var refusal))
        {
            return refusal;
        }

        var isLinked = await db.ExternalSignIns.AnyAsync(
            s => s.Provider == ExternalSignIn.Google && s.Subject == proof.Account.Subject && s.UserId == account.UserId,
            cancellationToken);
        return isLinked ? account : ApiError.Forbidden("This Google account is not linked to the account");
    }

    private async Task<Outcome<CheckedAccount>> CheckPasswordAsync(
        HttpContext http, CheckedAccount account, string? hash, string password, CancellationToken cancellationToken)
    {
        return await attempts.CountWrongAsync(ClientAddress.KeysOf(http), account.Email, CheckAsync, cancellationToken);

        async Task<(Outcome<CheckedAccount> Result, bool IsWrong)> CheckAsync(RateLimitDecision attempt)
        {
            if (!attempt.Allowed)
            {
                return (ApiError.RateLimited(attempt.RetryAfter, RequestBudget.SignIn, "Too many wrong passwords"), true);
            }

            return (await passwords.VerifyAsync(hash, password, cancellationToken)).TryGet(out var isCorrect, out var busy)
                ? isCorrect ? (account, false) : (ApiError.Forbidden("The password is wrong"), true)
                : (busy, false);
        }
    }
}

/// <summary>An account whose user has just proven who they are.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Email">The present address.</param>
/// <param name="SecurityStamp">The stamp at the time of the check. A change applies only while the account still has it.</param>
internal sealed record CheckedAccount(string UserId, string Email, string SecurityStamp);

using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Passwords;
using Sendcat.ApiService.Identity.SignIns;

namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>
/// Checks the password of a signed-in user again before a change that an access token alone must not allow. Wrong passwords count as failed
/// sign-ins, so the holder of a stolen token cannot guess the password here.
/// </summary>
internal sealed class Reauthentication(Principals principals, SignInAttempts attempts, PasswordHashes passwords, SendcatDb db)
{
    /// <returns>
    /// The account; else 401 without a signed-in user, 403 for a wrong password and for an account without one, 429 after too many wrong
    /// passwords, and 503 when too many passwords are being hashed.
    /// </returns>
    public async Task<Outcome<CheckedAccount>> CheckAsync(HttpContext http, string password, CancellationToken cancellationToken)
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

        var client = ClientAddress.KeysOf(http);
        var attempt = await attempts.CountAsync(client, email, cancellationToken);
        if (!attempt.Allowed)
        {
            return ApiError.RateLimited(attempt.RetryAfter, RequestBudget.SignIn, "Too many wrong passwords");
        }

        var check = await passwords.VerifyAsync(account.PasswordHash, password, cancellationToken);
        if (!check.TryGet(out var isCorrect, out var busy) || isCorrect)
        {
            await attempts.UndoCountAsync(client, email);
        }

        return busy is not null ? busy : isCorrect ? new CheckedAccount(account.Id, email, stamp) : ApiError.Forbidden("The password is wrong");
    }
}

/// <summary>An account whose user has just presented the correct password.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Email">The present address.</param>
/// <param name="SecurityStamp">The stamp at the time of the check. A change applies only while the account still has it.</param>
internal sealed record CheckedAccount(string UserId, string Email, string SecurityStamp);

using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Google;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Mail;
using Sendcat.Integrations.Mail;

namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>
/// <c>/api/auth/*</c>: changes to an account. Each requires its password or the linked Google account, except the link that was mailed.
/// </summary>
internal static class AccountChangeEndpoints
{
    public static void MapAccountChanges(this IEndpointRouteBuilder app)
    {
        var auth = app.MapGroup("/api/auth").WithTags("Identity");
        auth.MapPost("/change-password", ChangePasswordAsync).RequireLimit(RequestBudget.SignIn).Takes<PasswordChange>()
            .As("auth.changePassword", "Change or set the password; all other sign-ins end", 400, 401, 403, 413, 415, 429, 503);
        auth.MapPost("/change-email", ChangeEmailAsync).RequireLimit(RequestBudget.PasswordReset).Takes<EmailChange>()
            .As("auth.changeEmail", "Request a link that changes the address, by mail to the new one", 400, 401, 403, 413, 415, 429, 503);
        auth.MapPost("/confirm-email-change", ConfirmEmailChangeAsync).RequireLimit(RequestBudget.SignIn).Takes<EmailChangeConfirmation>()
            .As("auth.confirmEmailChange", "Confirm the new address, with the token of that link", 400, 413, 415, 429);
        auth.MapPost("/delete-account", DeleteAccountAsync).RequireLimit(RequestBudget.SignIn).Takes<AccountRemoval>()
            .As(
                "auth.deleteAccount", "Delete the account and all that belongs to it; 202 when its access has ended and a part is left",
                400, 401, 403, 413, 415, 429, 503);
        auth.MapPost("/google/link", LinkGoogleAsync).RequireLimit(RequestBudget.SignIn).Takes<GoogleLink>()
            .As(
                "auth.google.link", "Link a Google account; it signs in to this account from now on", 400, 401, 403, 409, 413, 415, 429,
                503);
        auth.MapPost("/google/unlink", UnlinkGoogleAsync).RequireLimit(RequestBudget.SignIn).Takes<GoogleUnlink>()
            .As(
                "auth.google.unlink", "Unlink the Google account; the account must have a password", 400, 401, 403, 404, 409, 413, 415, 429,
                503);
    }

    private static async Task<Results<Ok<SignedIn>, ApiError>> ChangePasswordAsync(
        HttpContext http, PasswordChanges changes, CancellationToken cancellationToken) =>
        (await changes.ChangeAsync(http, cancellationToken)).TryGet(out var signedIn, out var refusal)
            ? TypedResults.Ok(signedIn)
            : refusal;

    private static async Task<Results<Accepted, ApiError>> ChangeEmailAsync(
        HttpContext http, Reauthentication reauthentication, OutgoingMails mails, AddressDigests digests, RequestLimits limits,
        CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.EmailChange, cancellationToken);
        if (!body.TryGet(out var change, out var refusal)
            || !(await reauthentication.CheckAsync(http, change.Credentials(), cancellationToken)).TryGet(out var account, out refusal))
        {
            return refusal;
        }

        var key = $"email:{digests.OfMail(change.NewEmail!)}";
        if (await limits.RefusalAsync(http, RequestBudget.PasswordReset, key, cancellationToken) is { } tooMany)
        {
            return tooMany;
        }

        await mails.EnqueueAsync(MailKind.AddressConfirmation, change.NewEmail!, account.UserId, account.SecurityStamp, cancellationToken);
        return TypedResults.Accepted((string?)null);
    }

    private static async Task<Results<NoContent, ApiError>> ConfirmEmailChangeAsync(
        HttpContext http, AccountChanges changes, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.EmailChangeConfirmation, cancellationToken);
        if (!body.TryGet(out var confirmation, out var refusal))
        {
            return refusal;
        }

        return await changes.SetEmailAsync(confirmation.Token!, confirmation.Email!, cancellationToken) is { } failed
            ? failed
            : TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, Accepted, ApiError>> DeleteAccountAsync(
        HttpContext http, Reauthentication reauthentication, AccountChanges changes, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.AccountRemoval, cancellationToken);
        if (!body.TryGet(out var removal, out var refusal)
            || !(await reauthentication.CheckAsync(http, removal.Credentials(), cancellationToken)).TryGet(out var account, out refusal))
        {
            return refusal;
        }

        return !(await changes.DeleteAsync(account, cancellationToken)).TryGet(out var isComplete, out refusal) ? refusal
            : isComplete ? TypedResults.NoContent()
            : TypedResults.Accepted((string?)null);
    }

    private static async Task<Results<NoContent, ApiError>> LinkGoogleAsync(
        HttpContext http, Reauthentication reauthentication, GoogleProofs proofs, GoogleLinks links, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.GoogleLink, cancellationToken);
        // The code comes last, so that a wrong password does not use it up.
        if (!body.TryGet(out var link, out var refusal)
            || !(await reauthentication.CheckAsync(http, link.Credentials(), cancellationToken)).TryGet(out var account, out refusal)
            || !(await proofs.TakeAsync(http, link.Code!, link.Verifier)).TryGet(out var proof, out refusal))
        {
            return refusal;
        }

        return await links.LinkAsync(account, proof.Account, cancellationToken) is { } failed ? failed : TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, ApiError>> UnlinkGoogleAsync(
        HttpContext http, Reauthentication reauthentication, GoogleLinks links, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.GoogleUnlink, cancellationToken);
        if (!body.TryGet(out var unlink, out var refusal)
            || !(await reauthentication.CheckAsync(http, unlink.Credentials(), cancellationToken)).TryGet(out var account, out refusal))
        {
            return refusal;
        }

        return await links.UnlinkAsync(account, cancellationToken) is { } failed ? failed : TypedResults.NoContent();
    }
}

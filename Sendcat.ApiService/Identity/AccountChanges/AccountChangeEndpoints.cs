using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Mail;
using Sendcat.Integrations.Mail;

namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary><c>/api/auth/*</c>: changes to an account. Each requires its password, except the link that was mailed.</summary>
internal static class AccountChangeEndpoints
{
    public static void MapAccountChanges(this IEndpointRouteBuilder app)
    {
        var auth = app.MapGroup("/api/auth").WithTags("Identity");
        auth.MapPost("/change-password", ChangePasswordAsync).RequireLimit(RequestBudget.SignIn).Takes<PasswordChange>()
            .As("auth.changePassword", "Change the password; all other sign-ins end", 400, 401, 403, 413, 415, 429, 503);
        auth.MapPost("/change-email", ChangeEmailAsync).RequireLimit(RequestBudget.PasswordReset).Takes<EmailChange>()
            .As("auth.changeEmail", "Request a link that changes the address, by mail to the new one", 400, 401, 403, 413, 415, 429, 503);
        auth.MapPost("/confirm-email-change", ConfirmEmailChangeAsync).RequireLimit(RequestBudget.SignIn).Takes<EmailChangeConfirmation>()
            .As("auth.confirmEmailChange", "Confirm the new address, with the token of that link", 400, 413, 415, 429);
        auth.MapPost("/delete-account", DeleteAccountAsync).RequireLimit(RequestBudget.SignIn).Takes<AccountRemoval>()
            .As("auth.deleteAccount", "Delete the account and all that belongs to it", 400, 401, 403, 413, 415, 429, 503);
    }

    private static async Task<Results<Ok<SignedIn>, ApiError>> ChangePasswordAsync(
        HttpContext http, PasswordChanges changes, CancellationToken cancellationToken) =>
        (await changes.ChangeAsync(http, cancellationToken)).TryGet(out var signedIn, out var refusal) ? TypedResults.Ok(signedIn) : refusal;

    private static async Task<Results<Accepted, ApiError>> ChangeEmailAsync(
        HttpContext http, Reauthentication reauthentication, OutgoingMails mails, AddressDigests digests, RequestLimits limits,
        CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.EmailChange, cancellationToken);
        if (!body.TryGet(out var change, out var refusal)
            || !(await reauthentication.CheckAsync(http, change.Password!, cancellationToken)).TryGet(out var account, out refusal))
        {
            return refusal;
        }

        var key = $"email:{digests.OfMail(change.NewEmail!)}";
        if (await limits.RefusalAsync(http, RequestBudget.PasswordReset, key, cancellationToken) is { } tooMany)
        {
            return tooMany;
        }

        await mails.EnqueueAsync(MailKind.AddressConfirmation, change.NewEmail!, account.UserId, cancellationToken);
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

    private static async Task<Results<NoContent, ApiError>> DeleteAccountAsync(
        HttpContext http, Reauthentication reauthentication, AccountChanges changes, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.AccountRemoval, cancellationToken);
        if (!body.TryGet(out var removal, out var refusal)
            || !(await reauthentication.CheckAsync(http, removal.Password!, cancellationToken)).TryGet(out var account, out refusal))
        {
            return refusal;
        }

        return await changes.DeleteAsync(account, cancellationToken) is { } failed ? failed : TypedResults.NoContent();
    }
}

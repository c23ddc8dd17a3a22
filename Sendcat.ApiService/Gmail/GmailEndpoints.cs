using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Gmail.Connecting;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Gmail;

/// <summary><c>/api/gmail</c>: connects, reads and disconnects the mailbox of a user.</summary>
internal static class GmailEndpoints
{
    public static void MapGmailEndpoints(this IEndpointRouteBuilder app)
    {
        var gmail = app.MapGroup("/api/gmail").WithTags("Gmail");
        gmail.MapPost("/connect", ConnectAsync).RequireLimit(RequestBudget.Writing)
            .As(
                "gmail.connect",
                "Connect Gmail: the page of Google that asks the user for consent; the browser that sent this request must visit it", 401,
                403, 404, 429, 503);
        gmail.MapGet("/auth/callback", CallbackAsync).RequireLimit(RequestBudget.GmailConsent).Produces(StatusCodes.Status302Found)
            .As("gmail.authCallback", "Return from Google: for Google alone, sends the browser to the settings of the web app", 429);
        gmail.MapGet("/status", StatusAsync).As("gmail.status", "Status of the connected mailbox; null for a guest", 401);
        gmail.MapPost("/sync", SyncAsync).RequireLimit(RequestBudget.Writing)
            .As("gmail.sync", "Read the mailbox: the mails of the last 30 days that were not read before", 401, 404, 429, 503);
        gmail.MapGet("/sync/{id}", ProgressAsync).As("gmail.syncProgress", "Progress of a sync", 401, 404);
        gmail.MapDelete("", DisconnectAsync).RequireLimit(RequestBudget.Writing).Produces(StatusCodes.Status204NoContent)
            .As("gmail.disconnect", "Disconnect Gmail: the consent is revoked at Google; orders and packages stay", 401, 429, 503);
    }

    private static async Task<Results<Ok<GmailConsentPage>, ApiError>> ConnectAsync(
        HttpContext http, Principals principals, ConsentReturn consents) =>
        principals.ReadConfirmedUser(http).TryGet(out var principal, out var refusal)
        && (await consents.StartAsync(http, principal.UserId!)).TryGet(out var page, out refusal) ? TypedResults.Ok(page) : refusal;

    private static async Task<RedirectHttpResult> CallbackAsync(
        HttpContext http, ConsentReturn consents, string? code, string? state, string? error) =>
        TypedResults.Redirect(await consents.ReturnAsync(http, code, state, error));

    private static async Task<Results<Ok<GmailStatus>, ContentHttpResult, ApiError>> StatusAsync(
        HttpContext http, Principals principals, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!principals.Read(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        if (principal.UserId is not { } user)
        {
            return TypedResults.Text("null", "application/json; charset=utf-8");
        }

        if (await db.GmailConnections.AsNoTracking().SingleOrDefaultAsync(c => c.UserId == user, cancellationToken) is not { } connection)
        {
            return TypedResults.Ok(new GmailStatus(Connected: false));
        }

        var sync = await db.GmailSyncs.AsNoTracking().Where(s => s.ConnectionId == connection.Id).OrderByDescending(s => s.CreatedAt)
            .FirstOrDefaultAsync(cancellationToken);
        return TypedResults.Ok(new GmailStatus(Connected: true)
        {
            Email = connection.Email,
            Status = connection.Status,
            LastSyncAt = connection.LastSyncAt,
            ConnectedAt = connection.ConnectedAt,
            WatchExpiresAt = connection.WatchExpiresAt,
            Sync = sync is null ? null : GmailSyncView.Of(sync),
        });
    }

    private static async Task<Results<Accepted<GmailSyncQueued>, ApiError>> SyncAsync(
        HttpContext http, Principals principals, GmailConnections connections, CancellationToken cancellationToken)
    {
        if (!principals.ReadUser(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        return await connections.SyncAsync(principal.UserId!, cancellationToken) is { } id
            ? TypedResults.Accepted($"/api/gmail/sync/{id:D}", new GmailSyncQueued(id))
            : ApiError.NotFound("No mailbox is connected, or it must be connected again");
    }

    private static async Task<Results<Ok<GmailSyncView>, ApiError>> ProgressAsync(
        HttpContext http, string id, Principals principals, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!principals.ReadUser(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        return Guid.TryParse(id, out var sync)
            && await db.GmailSyncs.AsNoTracking()
                .SingleOrDefaultAsync(s => s.Id == sync && s.UserId == principal.UserId, cancellationToken) is { } found
                ? TypedResults.Ok(GmailSyncView.Of(found))
                : ApiError.NotFound("No such sync");
    }

    private static async Task<Results<NoContent, ApiError>> DisconnectAsync(
        HttpContext http, Principals principals, GmailConnections connections, CancellationToken cancellationToken)
    {
        if (!principals.ReadUser(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        await connections.DisconnectAsync(principal.UserId!, cancellationToken);
        return TypedResults.NoContent();
    }
}

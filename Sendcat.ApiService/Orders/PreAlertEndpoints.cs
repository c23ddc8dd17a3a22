using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Integrations.Orders;
using Sendcat.Integrations.Parcels;

namespace Sendcat.ApiService.Orders;

/// <summary>
/// <c>/api/pre-alerts</c>: the announced parcels of signed-in users. A guest has none. A foreign, a missing and a malformed id get the same
/// response.
/// </summary>
internal static class PreAlertEndpoints
{
    private const string CursorOrder = "pre-alerts";

    public static void MapPreAlerts(this IEndpointRouteBuilder app)
    {
        var alerts = app.MapGroup("/api/pre-alerts").WithTags("Orders");
        alerts.MapGet("", ListAsync).As("preAlerts.listPreAlerts", "Pre-alerts of the caller, the newest first; ?draftId=", 400, 401);
        alerts.MapPost("", CreateAsync).RequireLimit(RequestBudget.Writing).Takes<PreAlertOrder>()
            .Produces<PreAlertView>(StatusCodes.Status200OK)
            .As(
                "preAlerts.createPackagePreAlert",
                "Announce a parcel to the warehouse, once per tracking number: 201, or 200 when it was announced before", 400, 401, 403,
                409, 413, 415, 429);
        alerts.MapPost("/{id}/reject", RejectAsync).RequireLimit(RequestBudget.Writing)
            .As(
                "preAlerts.rejectPreAlert",
                "Withdraw the announcement of a parcel; not of one that the warehouse has received, and only POST submits it again",
                401, 403, 409, 429);
    }

    private static async Task<Results<Ok<Page<PreAlertView>>, ApiError>> ListAsync(
        HttpContext http, Principals principals, SendcatDb db, string? draftId, string? cursor, string? limit,
        CancellationToken cancellationToken)
    {
        if (!principals.Read(http).TryGet(out var principal, out var refusal)
            || !PageLimit.Read(limit, fallback: 50, max: 200).TryGet(out var count, out refusal))
        {
            return refusal;
        }

        Guid? draft = Guid.TryParseExact(draftId, "D", out var parsed) ? parsed : null;
        if (!PageCursor.TryRead(cursor, CursorOrder, out var after))
        {
            return PageCursor.Invalid;
        }

        if (principal.UserId is not { } user || (draft is null && !string.IsNullOrEmpty(draftId)))
        {
            return TypedResults.Ok(new Page<PreAlertView>([], null));
        }

        var alerts = db.PreAlerts.AsNoTracking().Where(a => a.UserId == user);
        if (draft is not null)
        {
            alerts = alerts.Where(a => a.DraftId == draft);
        }

        if (after is not null)
        {
            alerts = alerts.Where(a => EF.Functions.LessThan(ValueTuple.Create(a.CreatedAt, a.Id), ValueTuple.Create(after.At, after.Id)));
        }

        var rows = await alerts.OrderByDescending(a => a.CreatedAt).ThenByDescending(a => a.Id).Take(count + 1)
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(new Page<PreAlertView>(
            [.. rows.Take(count).Select(PreAlertView.Of)],
            rows.Count > count ? new PageCursor(CursorOrder, rows[count - 1].CreatedAt, rows[count - 1].Id).ToString() : null));
    }

    private static async Task<Results<Ok<PreAlertView>, ApiError>> RejectAsync(
        HttpContext http, string id, Principals principals, DraftChanges changes, SendcatDb db, ILogger<DraftChanges> logger,
        CancellationToken cancellationToken)
    {
        if (!principals.ReadUser(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        var user = principal.UserId!;
        var outcome = Guid.TryParseExact(id, "D", out var preAlert)
            ? await changes.RejectAlertAsync(user, preAlert, cancellationToken)
            : DraftOutcome.NotFound;
        if (outcome is DraftOutcome.NotFound)
        {
            logger.DraftRefused(principal.LogName, "preAlerts.rejectPreAlert");
            return NotYours();
        }

        if (DraftEndpoints.ErrorOf(outcome) is { } error)
        {
            return error;
        }

        var rejected = db.PreAlerts.AsNoTracking().Where(a => a.Id == preAlert && a.UserId == user);
        return await rejected.SingleOrDefaultAsync(cancellationToken) is { } alert ? TypedResults.Ok(PreAlertView.Of(alert)) : NotYours();
    }

    private static ApiError NotYours() => ApiError.Forbidden("No such pre-alert, or not yours");

    private static async Task<Results<Created<PreAlertView>, Ok<PreAlertView>, ApiError>> CreateAsync(
        HttpContext http, Principals principals, DraftChanges changes, SendcatDb db, ILogger<DraftChanges> logger,
        CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OrdersJson.Default.PreAlertOrder, cancellationToken);
        if (!body.TryGet(out var order, out var refusal) || !principals.ReadConfirmedUser(http).TryGet(out var principal, out refusal))
        {
            return refusal;
        }

        Guid? draft = Guid.TryParseExact(order.DraftId, "D", out var parsed) ? parsed : null;
        var announcement = draft is null && order.DraftId is not null
            ? new(DraftOutcome.NotFound, Guid.Empty, false)
            : await changes.AnnounceAsync(
                principal.UserId!, draft, PackageRules.Normalize(order.TrackingNumber)!, order.Carrier?.Trim().ToLowerInvariant(),
                cancellationToken);
        if (DraftEndpoints.ErrorOf(announcement.Outcome) is { } error)
        {
            if (announcement.Outcome is DraftOutcome.NotFound)
            {
                logger.DraftRefused(principal.LogName, "preAlerts.createPackagePreAlert");
            }

            return error;
        }

        if (await db.PreAlerts.AsNoTracking().SingleOrDefaultAsync(a => a.Id == announcement.PreAlert, cancellationToken) is not { } alert)
        {
            return ApiError.Unauthorized("The account does not exist any more");
        }

        return announcement.IsNew
            ? TypedResults.Created($"/api/pre-alerts?draftId={alert.DraftId:D}", PreAlertView.Of(alert))
            : TypedResults.Ok(PreAlertView.Of(alert));
    }
}

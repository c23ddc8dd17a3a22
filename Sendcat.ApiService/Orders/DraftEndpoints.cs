using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Integrations.Orders;

namespace Sendcat.ApiService.Orders;

/// <summary>
/// <c>/api/drafts</c>: the orders of signed-in users. A guest has none. A foreign, a missing and a malformed id get the same response.
/// </summary>
internal static class DraftEndpoints
{
    private const string CursorOrder = "drafts";

    public static void MapDrafts(this IEndpointRouteBuilder app)
    {
        var drafts = app.MapGroup("/api/drafts").WithTags("Orders");
        drafts.MapGet("", ListAsync)
            .As("drafts.listDrafts", "Drafts of the caller, the newest first; ?status=draft|confirmed|rejected", 400, 401);
        drafts.MapGet("/{id}", GetAsync).As("drafts.getDraft", "One draft, with its parcels and evidence", 401, 404);
        drafts.MapPatch("/{id}", UpdateAsync).RequireLimit(RequestBudget.Writing).Takes<DraftPatch>()
            .As(
                "drafts.updateDraft", "Change a draft: mails fill only what is missing, so what you write stays", 400, 401, 403, 413, 415,
                429);
        drafts.MapPost("/{id}/confirm", ConfirmAsync).RequireLimit(RequestBudget.Writing).Takes<DraftConfirmation>()
            .As("drafts.confirmDraft", "Confirm a draft, and announce its parcels to the warehouse", 400, 401, 403, 409, 413, 415, 429);
        drafts.MapPost("/{id}/reject", RejectAsync).RequireLimit(RequestBudget.Writing)
            .As(
                "drafts.rejectDraft", "Reject a draft; parcels that were announced stay announced until their pre-alerts are rejected", 401,
                403, 429);
        drafts.MapPost("/{id}/invoice", InvoiceAsync).RequireLimit(RequestBudget.Writing).Takes<InvoiceOrder>()
            .As(
                "drafts.uploadInvoice", "Attach an invoice: an attachment of the caller, which is deleted with the draft", 400, 401, 403,
                413, 415, 429);
    }

    private static async Task<Results<Ok<Page<DraftView>>, ApiError>> ListAsync(
        HttpContext http, Principals principals, SendcatDb db, string? status, string? cursor, string? limit,
        CancellationToken cancellationToken)
    {
        if (!principals.Read(http).TryGet(out var principal, out var refusal)
            || !PageLimit.Read(limit, fallback: 50, max: 200).TryGet(out var count, out refusal))
        {
            return refusal;
        }

        if (!string.IsNullOrEmpty(status) && !DraftStatuses.All.Contains(status))
        {
            return ApiError.InvalidRequest($"status must be one of {string.Join(", ", DraftStatuses.All)}");
        }

        if (!PageCursor.TryRead(cursor, CursorOrder, out var after))
        {
            return PageCursor.Invalid;
        }

        if (principal.UserId is not { } user)
        {
            return TypedResults.Ok(new Page<DraftView>([], null));
        }

        var drafts = db.PurchaseDrafts.AsNoTracking().Where(d => d.UserId == user);
        if (!string.IsNullOrEmpty(status))
        {
            drafts = drafts.Where(d => d.Status == status);
        }

        if (after is not null)
        {
            drafts = drafts.Where(d => EF.Functions.LessThan(ValueTuple.Create(d.CreatedAt, d.Id), ValueTuple.Create(after.At, after.Id)));
        }

        var rows = await drafts.OrderByDescending(d => d.CreatedAt).ThenByDescending(d => d.Id).Take(count + 1)
            .ToListAsync(cancellationToken);
        var page = rows.Take(count).ToArray();
        return TypedResults.Ok(new Page<DraftView>(
            await ViewsAsync(db, user, page, cancellationToken),
            rows.Count > count ? new PageCursor(CursorOrder, page[^1].CreatedAt, page[^1].Id).ToString() : null));
    }

    private static async Task<Results<Ok<DraftView>, ApiError>> GetAsync(
        HttpContext http, string id, Principals principals, SendcatDb db, CancellationToken cancellationToken) =>
        !principals.Read(http).TryGet(out var principal, out var refusal) ? refusal
        : await FindAsync(db, principal.UserId, id, cancellationToken) is { } view ? TypedResults.Ok(view)
        : ApiError.NotFound("No such draft, or not yours");

    private static async Task<Results<Ok<DraftView>, ApiError>> UpdateAsync(
        HttpContext http, string id, Principals principals, DraftChanges changes, SendcatDb db, ILogger<DraftChanges> logger,
        CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OrdersJson.Default.DraftPatch, cancellationToken);
        return !body.TryGet(out var patch, out var refusal) || !principals.ReadUser(http).TryGet(out var principal, out refusal)
            ? refusal
            : await ChangeAsync(
                id, principal, (user, draft) => changes.UpdateAsync(user, draft, patch.Edit(), cancellationToken), db, logger,
                "drafts.updateDraft", cancellationToken);
    }

    private static async Task<Results<Ok<DraftView>, ApiError>> ConfirmAsync(
        HttpContext http, string id, Principals principals, DraftChanges changes, SendcatDb db, ILogger<DraftChanges> logger,
        CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OrdersJson.Default.DraftConfirmation, cancellationToken);
        return !body.TryGet(out var confirmation, out var refusal)
            || !principals.ReadConfirmedUser(http).TryGet(out var principal, out refusal)
            ? refusal
            : await ChangeAsync(
                id, principal, (user, draft) => changes.ConfirmAsync(user, draft, confirmation.Normalized, cancellationToken), db, logger,
                "drafts.confirmDraft", cancellationToken);
    }

    private static async Task<Results<Ok<DraftView>, ApiError>> RejectAsync(
        HttpContext http, string id, Principals principals, DraftChanges changes, SendcatDb db, ILogger<DraftChanges> logger,
        CancellationToken cancellationToken) =>
        !principals.ReadUser(http).TryGet(out var principal, out var refusal)
            ? refusal
            : await ChangeAsync(
                id, principal, (user, draft) => changes.RejectAsync(user, draft, cancellationToken), db, logger, "drafts.rejectDraft",
                cancellationToken);

    private static async Task<Results<Ok<DraftView>, ApiError>> InvoiceAsync(
        HttpContext http, string id, Principals principals, DraftChanges changes, SendcatDb db, ILogger<DraftChanges> logger,
        CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OrdersJson.Default.InvoiceOrder, cancellationToken);
        return !body.TryGet(out var order, out var refusal) || !principals.ReadUser(http).TryGet(out var principal, out refusal)
            ? refusal
            : await ChangeAsync(
                id, principal, (user, draft) => changes.SetInvoiceAsync(user, draft, order.Attachment!.Value, cancellationToken), db,
                logger, "drafts.uploadInvoice", cancellationToken);
    }

    private static async Task<Results<Ok<DraftView>, ApiError>> ChangeAsync(
        string id, Principal principal,
        Func<string, Guid, Task<DraftOutcome>> change, SendcatDb db, ILogger logger, string function, CancellationToken cancellationToken)
    {
        var user = principal.UserId!;
        var outcome = Guid.TryParseExact(id, "D", out var draft) ? await change(user, draft) : DraftOutcome.NotFound;
        if (ErrorOf(outcome) is { } refusal)
        {
            if (outcome is DraftOutcome.NotFound)
            {
                logger.DraftRefused(principal.LogName, function);
            }

            return refusal;
        }

        return await FindAsync(db, user, id, cancellationToken) is { } view ? TypedResults.Ok(view) : NotYours();
    }

    /// <summary>The response to a change that was not made; null: it was made.</summary>
    public static ApiError? ErrorOf(DraftOutcome outcome) => outcome switch
    {
        DraftOutcome.Done => null,
        DraftOutcome.NotFound => NotYours(),
        DraftOutcome.NoAccount => ApiError.Unauthorized("The account does not exist any more"),
        DraftOutcome.NoSuchFile => ApiError.InvalidRequest("attachmentId must be the id of a file that you have uploaded"),
        DraftOutcome.NeedsCurrency => ApiError.InvalidRequest("totalAmount needs totalCurrency"),
        DraftOutcome.Received => ApiError.Conflict("The warehouse has received the parcel") with { Reason = RefusalReason.ParcelReceived },
        DraftOutcome.TooMany => ApiError.QuotaExceeded("You have as many pre-alerts as you may have", RefusalReason.PreAlerts),
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "Unknown outcome."),
    };

    private static ApiError NotYours() => ApiError.Forbidden("No such draft, or not yours");

    private static async Task<DraftView?> FindAsync(SendcatDb db, string? user, string id, CancellationToken cancellationToken)
    {
        if (user is null || !Guid.TryParseExact(id, "D", out var draft))
        {
            return null;
        }

        var found = await db.PurchaseDrafts.AsNoTracking().Where(d => d.Id == draft && d.UserId == user).ToArrayAsync(cancellationToken);
        return found is [_] ? (await ViewsAsync(db, user, found, cancellationToken))[0] : null;
    }

    private static async Task<IReadOnlyList<DraftView>> ViewsAsync(
        SendcatDb db, string user, PurchaseDraft[] drafts, CancellationToken cancellationToken)
    {
        if (drafts.Length == 0)
        {
            return [];
        }

        var ids = Array.ConvertAll(drafts, draft => draft.Id);
        var parcels = await db.DraftParcels.AsNoTracking().Where(p => p.UserId == user && ids.Contains(p.DraftId))
            .OrderBy(p => p.CreatedAt).ThenBy(p => p.TrackingNumber).ToListAsync(cancellationToken);
        var numbers = parcels.Select(parcel => parcel.TrackingNumber).ToArray();
        var alerts = await db.PreAlerts.AsNoTracking().Where(a => a.UserId == user && numbers.Contains(a.TrackingNumber))
            .ToDictionaryAsync(a => a.TrackingNumber, StringComparer.Ordinal, cancellationToken);
        var links = await db.DraftEvidence.AsNoTracking().Where(l => ids.Contains(l.DraftId)).OrderBy(l => l.EvidenceId)
            .ToListAsync(cancellationToken);
        var evidence = links
            .ToLookup(link => link.DraftId, link => link.EvidenceId);
        var views = parcels.ToLookup(
            parcel => parcel.DraftId,
            parcel => alerts.GetValueOrDefault(parcel.TrackingNumber) is var alert && alert is null
                ? new ParcelView(parcel.TrackingNumber, parcel.Carrier, parcel.IsVerified, null, null)
                : new ParcelView(parcel.TrackingNumber, parcel.Carrier, parcel.IsVerified, alert.Id, alert.Status));
        return [.. drafts.Select(draft => DraftView.Of(draft, [.. views[draft.Id]], [.. evidence[draft.Id]]))];
    }
}

using System.Globalization;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Snapshot;
using Sendcat.Reliability.ToolJobs.Bulk;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/tool-jobs/dead-letters/changes</c>: requeues or discards all dead letters that match, in the background.</summary>
internal static class BulkOps
{
    private const string CursorOrder = "changes";
    private const int DefaultRows = 50;
    private const string NoSuchChange = "No such change";

    public static void MapBulkChanges(this RouteGroupBuilder ops)
    {
        var changes = ops.MapGroup("/tool-jobs/dead-letters/changes");
        changes.MapPost("", CreateAsync).Takes<BulkOrder>().As(
            "ops.createBulkChange",
            "Change all dead letters that match: requeue or discard them in the background; confirm is their number, 409 when it differs",
            400, 409, 413, 415);
        changes.MapGet("", ListAsync).As(
            "ops.listBulkChanges", "Changes of dead letters, the newest first, with progress and results", 400);
        changes.MapGet("/{id}", FindAsync).As("ops.bulkChange", "A change of dead letters: its progress and its results", 404);
        changes.MapPost("/{id}/cancel", CancelAsync)
            .As("ops.cancelBulkChange", "Cancel a change of dead letters; jobs that it has requeued run", 404, 409);
    }

    private static async Task<Results<Accepted<BulkChangeView>, ApiError>> CreateAsync(
        HttpContext http, BulkChanges changes, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OpsJson.Default.BulkOrder, cancellationToken);
        if (!body.TryGet(out var order, out var refusal))
        {
            return refusal;
        }

        var (created, matched) = await changes.CreateAsync(
            order.Action!, order.Filter, order.Confirm!.Value, order.Force is true, OpsEndpoints.By(http), cancellationToken);
        return created is null
            ? ApiError.Conflict(
                string.Create(CultureInfo.InvariantCulture, $"{matched} dead letters match now, and {order.Confirm} were confirmed"))
            : TypedResults.Accepted((string?)null, BulkChangeView.Of(created));
    }

    private static async Task<Results<Ok<Page<BulkChangeView>>, ApiError>> ListAsync(
        BulkChanges changes, CurrentKnobs knobs, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        var most = knobs.Of<OpsOptions>().MaxRowsPerSection;
        if (!PageLimit.Read(limit, fallback: Math.Min(DefaultRows, most), most).TryGet(out var count, out var refusal))
        {
            return refusal;
        }

        if (!PageCursor.TryRead(cursor, CursorOrder, out var after))
        {
            return PageCursor.Invalid;
        }

        var rows = await changes.ListAsync(after is null ? null : (after.At, after.Id), count + 1, cancellationToken);
        return TypedResults.Ok(new Page<BulkChangeView>(
            [.. rows.Take(count).Select(BulkChangeView.Of)],
            rows.Count > count ? new PageCursor(CursorOrder, rows[count - 1].CreatedAt, rows[count - 1].Id).ToString() : null));
    }

    private static async Task<Results<Ok<BulkChangeView>, ApiError>> FindAsync(
        string id, BulkChanges changes, CancellationToken cancellationToken) =>
        Guid.TryParseExact(id, "D", out var change) && await changes.FindAsync(change, cancellationToken) is { } found
            ? TypedResults.Ok(BulkChangeView.Of(found))
            : ApiError.NotFound(NoSuchChange);

    private static async Task<Results<Ok<BulkChangeView>, ApiError>> CancelAsync(
        HttpContext http, string id, BulkChanges changes, OperatorAudit audit, CancellationToken cancellationToken)
    {
        if (!Guid.TryParseExact(id, "D", out var change) || await changes.FindAsync(change, cancellationToken) is null)
        {
            return ApiError.NotFound(NoSuchChange);
        }

        var cancelled = await audit.RecordAsync(
            OpsEndpoints.By(http), "dlq.cancel", id,
            async () => await changes.CancelAsync(change, CancellationToken.None)
                ? (true, "cancelled")
                : (false, "had handled all letters"),
            cancellationToken);
        return cancelled && await changes.FindAsync(change, cancellationToken) is { } found
            ? TypedResults.Ok(BulkChangeView.Of(found))
            : ApiError.Conflict("The change has handled all its letters");
    }
}

/// <summary>Selects dead letters by at least one filter, or by <paramref name="All"/>, and says what to do with all of them.</summary>
/// <param name="Action"><c>requeue</c> or <c>discard</c>.</param>
/// <param name="Confirm">The number of letters that match, as <c>dead-letters/count</c> reports it.</param>
/// <param name="Arguments">Words that the arguments contain.</param>
/// <param name="Force">Requeue without waiting for circuits.</param>
/// <remarks>A filter with a wrong name is refused: without it, more letters would match than were meant.</remarks>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record BulkOrder(
    string? Action, int? Confirm, string? Tool, string? Principal, string? Arguments, string? Fingerprint, IReadOnlyList<Guid>? Ids,
    DateTimeOffset? DiedAfter, DateTimeOffset? DiedBefore, bool? All, bool? Force) : IValidatable
{
    public DeadLetterFilter Filter => new(Tool, Fingerprint, Ids, DiedBefore?.ToUniversalTime())
    {
        Principal = Principal,
        Arguments = Arguments,
        DiedAfter = DiedAfter?.ToUniversalTime(),
    };

    public IEnumerable<string> Problems()
    {
        if (Action is not (BulkChange.Requeue or BulkChange.Discard))
        {
            yield return $"action must be {BulkChange.Requeue} or {BulkChange.Discard}";
        }

        if (Confirm is not >= 1)
        {
            yield return "confirm must be the number of dead letters that match";
        }

        if (All is not true && Filter.MatchesAll)
        {
            yield return "say which: tool, principal, arguments, fingerprint, ids, diedAfter, diedBefore, or all: true";
        }

        foreach (var problem in DeadLetterOrder.Problems(Filter))
        {
            yield return problem;
        }
    }
}

/// <param name="State"><c>running</c>; <c>settling</c>: all letters are handled, and requeued jobs have not all ended; <c>done</c>.</param>
/// <param name="Target">The filter.</param>
/// <param name="Matched">The letters when the change was created.</param>
/// <param name="Skipped">Letters that stay dead, because another job handles the same request.</param>
/// <param name="Report">What became of the requeued jobs; absent for a discard.</param>
/// <param name="WaitsFor">The provider whose circuit must close first.</param>
internal sealed record BulkChangeView(
    Guid Id, string Action, string State, bool Cancelled, string Target, bool Force, int Matched, int Changed, int Skipped,
    BulkReport? Report,
    string? WaitsFor, string Actor, string? Reason, DateTime CreatedAt, DateTime? EndedAt)
{
    public static BulkChangeView Of(BulkChange change) => new(
        change.Id, change.Action, change.State, change.Cancelled, change.Target, change.Force, change.Matched, change.Changed,
        change.Skipped, change.Action == BulkChange.Requeue ? new(change.Whole, change.Partial, change.Failed, change.Pending) : null,
        change.WaitsFor, change.Actor, change.Reason, change.CreatedAt.UtcDateTime, change.EndedAt?.UtcDateTime);
}

/// <param name="Whole">Jobs with a result from all sources.</param>
/// <param name="Partial">Jobs whose result lacks a source that failed: they are dead letters again, unless a turn has taken the
/// result.</param>
/// <param name="Failed">Jobs that ended without a result: they are dead letters again.</param>
/// <param name="Pending">Jobs that wait or run.</param>
internal sealed record BulkReport(int Whole, int Partial, int Failed, int Pending);

using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/tool-jobs/dead-letters</c>: lists, requeues and discards dead letters.</summary>
internal static class DeadLetterOps
{
    private const int MaxIds = 100;

    private const string CursorOrder = "died";

    public static void MapDeadLetters(this RouteGroupBuilder ops)
    {
        var letters = ops.MapGroup("/tool-jobs/dead-letters");
        letters.MapGet("/groups", GroupsAsync).As("ops.deadLetterGroups", "Dead letters by tool and cause, the largest group first");
        letters.MapGet("", ListAsync)
            .As("ops.listDeadLetters", "Dead letters with their history, the newest first; ?tool=, ?fingerprint=, ?ids=a,b, ?diedBefore=", 400);
        letters.MapPost("/requeue", RequeueAsync).Takes<DeadLetterOrder>()
            .As("ops.requeueDeadLetters", "Run dead letters again, at a bounded rate; dryRun reports what would happen", 400, 413, 415);
        letters.MapPost("/discard", DiscardAsync).Takes<DeadLetterOrder>()
            .As("ops.discardDeadLetters", "Discard dead letters; dryRun reports what would happen", 400, 413, 415);
    }

    private static async Task<Ok<Page<DeadLetterGroupView>>> GroupsAsync(DeadLetters letters, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Page<DeadLetterGroupView>([.. (await letters.GroupsAsync(cancellationToken)).Select(DeadLetterGroupView.Of)], null));

    private static async Task<Results<Ok<Page<DeadLetterView>>, ApiError>> ListAsync(
        DeadLetters letters, string? tool, string? fingerprint, string? ids, string? diedBefore, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        if (!PageLimit.Read(limit, fallback: 50, max: 500).TryGet(out var count, out var refusal)
            || !Filter(NullIfEmpty(tool), NullIfEmpty(fingerprint), ids, diedBefore).TryGet(out var filter, out refusal))
        {
            return refusal;
        }

        if (!PageCursor.TryRead(cursor, CursorOrder, out var after))
        {
            return PageCursor.Invalid;
        }

        var rows = await letters.ListAsync(filter with { Limit = count + 1 }, after is null ? null : (after.At, after.Id), cancellationToken);
        return TypedResults.Ok(new Page<DeadLetterView>(
            [.. rows.Take(count).Select(DeadLetterView.Of)],
            rows.Count > count ? new PageCursor(CursorOrder, rows[count - 1].DiedAt, rows[count - 1].Id).ToString() : null));
    }

    private static Task<Results<Ok<DeadLettersChanged>, ApiError>> RequeueAsync(HttpContext http, DeadLetters letters, CancellationToken cancellationToken) =>
        ChangeAsync(http, letters.RequeueAsync, cancellationToken);

    private static Task<Results<Ok<DeadLettersChanged>, ApiError>> DiscardAsync(HttpContext http, DeadLetters letters, CancellationToken cancellationToken) =>
        ChangeAsync(http, letters.DiscardAsync, cancellationToken);

    private static async Task<Results<Ok<DeadLettersChanged>, ApiError>> ChangeAsync(
        HttpContext http, Func<DeadLetterFilter, bool, AuditedBy, CancellationToken, Task<DeadLetterChange>> change,
        CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, BodyLimitBytes, OpsJson.Default.DeadLetterOrder, cancellationToken);
        return body.TryGet(out var order, out var refusal)
            ? TypedResults.Ok(DeadLettersChanged.Of(await change(order.Filter, order.DryRun is true, OpsEndpoints.By(http),
                cancellationToken)))
            : refusal;
    }

    /// <summary>Large enough for the most ids that one change may name.</summary>
    private const int BodyLimitBytes = 512 * 1024;

    private static Outcome<DeadLetterFilter> Filter(string? tool, string? fingerprint, string? ids, string? diedBefore)
    {
        if (DeadLetterOrder.Problems(tool, fingerprint).FirstOrDefault() is { } problem)
        {
            return ApiError.InvalidRequest(problem);
        }

        var jobs = new List<Guid>();
        foreach (var id in (ids ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!Guid.TryParseExact(id, "D", out var job) || jobs.Count == MaxIds)
            {
                return ApiError.InvalidRequest($"ids must be at most {MaxIds} job ids, separated by commas");
            }

            jobs.Add(job);
        }

        DateTimeOffset? before = null;
        if (!string.IsNullOrEmpty(diedBefore))
        {
            if (!DateTimeOffset.TryParse(diedBefore, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
            {
                return ApiError.InvalidRequest("diedBefore must be a time, such as 2026-03-01T12:00:00Z");
            }

            before = time;
        }

        return new DeadLetterFilter(tool, fingerprint, string.IsNullOrEmpty(ids) ? null : jobs, before);
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}

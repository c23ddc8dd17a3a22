using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolJobs.Bulk;
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
            .As(
                "ops.listDeadLetters",
                "Dead letters with their history, the newest first; ?tool=, ?principal=, ?arguments=, ?fingerprint=, "
                    + "?ids=a,b, ?diedAfter=, ?diedBefore=",
                400);
        letters.MapGet("/count", CountAsync).As(
            "ops.countDeadLetters", "Number of dead letters that match, with the filters of the list", 400);
        letters.MapPost("/requeue", RequeueAsync).Takes<DeadLetterOrder>()
            .As(
                "ops.requeueDeadLetters",
                "Run dead letters again, at a bounded rate; dryRun reports what would happen; "
                    + "409 while the circuit of an upstream is open, without force",
                400, 409, 413, 415);
        letters.MapPost("/discard", DiscardAsync).Takes<DeadLetterOrder>()
            .As("ops.discardDeadLetters", "Discard dead letters; dryRun reports what would happen", 400, 413, 415);
    }

    private static async Task<Ok<Page<DeadLetterGroupView>>> GroupsAsync(DeadLetters letters, CancellationToken cancellationToken) =>
        TypedResults.Ok(
            new Page<DeadLetterGroupView>([.. (await letters.GroupsAsync(cancellationToken)).Select(DeadLetterGroupView.Of)], null));

    private static async Task<Results<Ok<Page<DeadLetterView>>, ApiError>> ListAsync(
        DeadLetters letters, string? tool, string? principal, string? arguments, string? fingerprint, string? ids, string? diedAfter,
        string? diedBefore,
        string? cursor, string? limit, CancellationToken cancellationToken)
    {
        if (!PageLimit.Read(limit, fallback: 50, max: 500).TryGet(out var count, out var refusal)
            || !Filter(tool, principal, arguments, fingerprint, ids, diedAfter, diedBefore).TryGet(out var filter, out refusal))
        {
            return refusal;
        }

        if (!PageCursor.TryRead(cursor, CursorOrder, out var after))
        {
            return PageCursor.Invalid;
        }

        var rows = await letters.ListAsync(
            filter with { Limit = count + 1 }, after is null ? null : (after.At, after.Id), cancellationToken);
        return TypedResults.Ok(new Page<DeadLetterView>(
            [.. rows.Take(count).Select(DeadLetterView.Of)],
            rows.Count > count ? new PageCursor(CursorOrder, rows[count - 1].DiedAt, rows[count - 1].Id).ToString() : null));
    }

    private static async Task<Results<Ok<DeadLetterCount>, ApiError>> CountAsync(
        DeadLetters letters, string? tool, string? principal, string? arguments, string? fingerprint, string? ids, string? diedAfter,
        string? diedBefore,
        CancellationToken cancellationToken) =>
        Filter(tool, principal, arguments, fingerprint, ids, diedAfter, diedBefore).TryGet(out var filter, out var refusal)
            ? TypedResults.Ok(new DeadLetterCount(await letters.CountAsync(filter, cancellationToken)))
            : refusal;

    private static Task<Results<Ok<DeadLettersChanged>, ApiError>> RequeueAsync(
        HttpContext http, DeadLetters letters, LaneObstacles obstacles, CancellationToken cancellationToken) =>
        ChangeAsync(http, letters.RequeueAsync, obstacles, cancellationToken);

    private static Task<Results<Ok<DeadLettersChanged>, ApiError>> DiscardAsync(
        HttpContext http, DeadLetters letters, CancellationToken cancellationToken) =>
        ChangeAsync(http, letters.DiscardAsync, null, cancellationToken);

    /// <param name="obstacles">Null: the change does not depend on upstreams.</param>
    private static async Task<Results<Ok<DeadLettersChanged>, ApiError>> ChangeAsync(
        HttpContext http, Func<DeadLetterFilter, bool, AuditedBy, CancellationToken, Task<DeadLetterChange>> change,
        LaneObstacles? obstacles,
        CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, BodyLimitBytes, OpsJson.Default.DeadLetterOrder, cancellationToken);
        if (!body.TryGet(out var order, out var refusal))
        {
            return refusal;
        }

        var dryRun = order.DryRun is true;
        if (!dryRun && order.Force is not true && obstacles is not null
            && await ObstacleAsync(http, order.Filter, obstacles, cancellationToken) is { } provider)
        {
            return ApiError.Conflict(
                $"The circuit of {provider} is open: the jobs would fail again. Wait, use dead-letters/changes, which waits, or set force");
        }

        return TypedResults.Ok(DeadLettersChanged.Of(await change(order.Filter, dryRun, OpsEndpoints.By(http), cancellationToken)));
    }

    /// <returns>A provider whose circuit is open and that a selected letter needs.</returns>
    private static async Task<string?> ObstacleAsync(
        HttpContext http, DeadLetterFilter filter, LaneObstacles obstacles, CancellationToken cancellationToken)
    {
        var letters = http.RequestServices.GetRequiredService<DeadLetters>();
        foreach (var lane in QueuedWork.AllLanes.Where(lane => filter.Tool is null || filter.Tool == lane.Tool))
        {
            if (obstacles(lane) is { MayProbe: false } obstacle
                && await letters.CountAsync(filter with { Tool = lane.Tool }, cancellationToken) > 0)
            {
                return obstacle.Provider;
            }
        }

        return null;
    }

    /// <summary>Large enough for the most ids that one change may name.</summary>
    private const int BodyLimitBytes = 512 * 1024;

    private static Outcome<DeadLetterFilter> Filter(
        string? tool, string? principal, string? arguments, string? fingerprint, string? ids, string? diedAfter, string? diedBefore)
    {
        var jobs = new List<Guid>();
        foreach (var id in (ids ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!Guid.TryParseExact(id, "D", out var job) || jobs.Count == MaxIds)
            {
                return ApiError.InvalidRequest($"ids must be at most {MaxIds} job ids, separated by commas");
            }

            jobs.Add(job);
        }

        if (!Time("diedAfter", diedAfter).TryGet(out var after, out var refusal)
            || !Time("diedBefore", diedBefore).TryGet(out var before, out refusal))
        {
            return refusal;
        }

        var filter = new DeadLetterFilter(NullIfEmpty(tool), NullIfEmpty(fingerprint), string.IsNullOrEmpty(ids) ? null : jobs, before.At)
        {
            Principal = NullIfEmpty(principal),
            Arguments = NullIfEmpty(arguments),
            DiedAfter = after.At,
        };
        return DeadLetterOrder.Problems(filter).FirstOrDefault() is { } problem ? ApiError.InvalidRequest(problem) : filter;
    }

    private static Outcome<GivenTime> Time(string name, string? text) =>
        string.IsNullOrEmpty(text) ? new GivenTime(null)
        : DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? new GivenTime(time)
            : ApiError.InvalidRequest($"{name} must be a time, such as 2026-03-01T12:00:00Z");

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    /// <summary>A time of a query; null: none was given.</summary>
    private sealed record GivenTime(DateTimeOffset? At);
}

/// <param name="Matched">All dead letters that match.</param>
internal sealed record DeadLetterCount(int Matched);

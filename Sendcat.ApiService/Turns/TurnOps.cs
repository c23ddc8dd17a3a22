using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Snapshot;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Turns;

/// <summary>
/// <c>/api/ops/turns</c>: finds turns by the ids that clients and traces know, and shows one as a timeline. Any replica answers; of a turn
/// that another one runs, it shows what that one has stored within the last seconds.
/// </summary>
internal sealed class TurnOps(TurnStore store, ToolJobHistory jobs, LiveTurns turns, TurnDirectory directory, Circuits circuits,
    TimeProvider time)
{
    private const string CursorOrder = "turns";
    private const int DefaultRows = 50;

    public static void Map(RouteGroupBuilder ops)
    {
        ops.MapGet("/turns", ListAsync).As(
            "ops.turns",
                "Turns, the newest first; one of ?thread=, ?stream=, ?message=, ?trace=, or ?id= for any of these; ids of clients are "
                + "known, too",
                400);
        ops.MapGet("/turns/{id}", FindAsync).As(
            "ops.turn", "One turn as a timeline: gate, routes, first token, tool jobs with their attempts, end, and what it waits for now",
                404);
    }

    private static async Task<Results<Ok<Page<TurnRow>>, ApiError>> ListAsync(
        TurnOps ops, CurrentKnobs knobs, string? thread, string? stream, string? message, string? trace, string? id, string? cursor,
            string? limit,
        CancellationToken cancellationToken)
    {
        var most = knobs.Of<OpsOptions>().MaxRowsPerSection;
        if (!PageLimit.Read(limit, fallback: Math.Min(DefaultRows, most), most).TryGet(out var count, out var refusal)
            || !TurnFilter.Read(thread, stream, message, trace, id).TryGet(out var filter, out refusal))
        {
            return refusal;
        }

        return PageCursor.TryRead(cursor, CursorOrder, out var after)
            ? TypedResults.Ok(await ops.PageAsync(filter, after?.Id, count, cancellationToken))
            : PageCursor.Invalid;
    }

    private static async Task<Results<Ok<TurnView>, ApiError>> FindAsync(TurnOps ops, string id, CancellationToken cancellationToken) =>
        (StreamIds.TryParse(id, out var stream) || Guid.TryParseExact(id, "D", out stream))
            && await ops.ReadAsync(stream, cancellationToken) is { } facts
            ? TypedResults.Ok(TurnView.Of(facts))
            : ApiError.NotFound("No such turn");

    private async Task<Page<TurnRow>> PageAsync(TurnFilter filter, Guid? before, int count, CancellationToken cancellationToken)
    {
        var (rows, now) = (await store.ListAsync(filter, before, count + 1, cancellationToken), time.GetUtcNow());
        return new(
            [.. rows.Take(count).Select(turn => TurnRow.Of(WithPresentTrail(turn), now))],
            rows.Count > count ? new PageCursor(CursorOrder, 0m, rows[count - 1].Id).ToString() : null);
    }

    /// <returns>Null: the turn is not stored.</returns>
    private async Task<TurnFacts?> ReadAsync(Guid stream, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(stream, cancellationToken) is not { } stored)
        {
            return null;
        }

        var turn = WithPresentTrail(stored);
        Guid[] ids = [.. (turn.Trail?.Tools ?? []).Select(tool => tool.Job).OfType<Guid>().Distinct()];
        var rows = ids.Length == 0 ? [] : await jobs.FindAllAsync(ids, cancellationToken);
        Guid[] queued = [.. rows.Where(job => job.Status == "queued").Select(job => job.Id)];
        return new(
            turn, rows.ToDictionary(job => job.Id), queued.Length == 0 || !turn.IsRunning ? new Dictionary<Guid,
                int>() : await jobs.PositionsAsync(queued, cancellationToken),
            turn.IsRunning ? await directory.UnreadSinceAsync(turn.Id, turn.Principal) : null, circuits.States(), time.GetUtcNow());
    }

    /// <summary>Of a turn that runs here, more is known than is stored.</summary>
    private StoredTurn WithPresentTrail(StoredTurn turn) =>
        turn.IsRunning && turns.ByStream(turn.Id)?.Record.Trail is { } trail ? turn with { Trail = trail.Entries } : turn;
}

using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Gmail;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/conditions</c>: what the alerts judge beside the snapshot.</summary>
internal sealed class ConditionOps(ConditionStore conditions, RequestDatabase database, CurrentKnobs knobs, TimeProvider time)
{
    /// <summary>A watch is renewed daily and lasts for a week, so one that ends this soon was not renewed for days.</summary>
    private static readonly TimeSpan LeastWatch = TimeSpan.FromHours(48);

    public static void Map(RouteGroupBuilder ops) =>
        ops.MapGet("/conditions", ReadAsync).As(
            "ops.conditions",
            "Conditions: silent workers, stuck leases, ending watches, parser drift, callers who are refused, processes that died");

    private static async Task<Ok<ConditionsView>> ReadAsync(ConditionOps conditions, CancellationToken cancellationToken) =>
        TypedResults.Ok(await conditions.TakeAsync(cancellationToken));

    private async Task<ConditionsView> TakeAsync(CancellationToken cancellationToken)
    {
        var ending = EndingWatchesAsync(cancellationToken);
        var reading = await conditions.ReadAsync(cancellationToken);
        return new(
            time.GetUtcNow().UtcDateTime,
            [.. reading.Silent.Select(SilentWorkerView.Of)],
            [.. reading.Stuck.Select(lease => new StuckLeaseView(lease.What, lease.Name, lease.Count))],
            await ending,
            reading.Drift,
            [.. reading.Callers.Select(caller => new RefusedCallerView(caller.Bucket, caller.Outcome, caller.Caller, caller.Hits))],
            [.. reading.Died.Select(process => new DiedProcessView(process.Process, process.At.UtcDateTime))]);
    }

    private async Task<int> EndingWatchesAsync(CancellationToken cancellationToken)
    {
        if (knobs.Of<GmailOptions>().Topic.Length == 0)
        {
            // Mailboxes are not watched.
            return 0;
        }

        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- count ending watches
            SELECT count(*)::int FROM gmail_connections
            WHERE status = 'active' AND coalesce(watch_expires_at, connected_at + INTERVAL '1 hour' + $1) < statement_timestamp() + $1
            """);
        command.Parameters.Add(new() { Value = LeastWatch });
        return (int)(await command.ExecuteScalarAsync(CancellationToken.None))!;
    }
}

/// <summary>Exact, over all replicas and workers.</summary>
/// <param name="WatchesEnding">Connected mailboxes that Gmail stops to report within 48 hours; 0 when none is watched.</param>
/// <param name="ParserDrift">Merchants whose mails are no longer read by their parser, at the last hourly check.</param>
/// <param name="Callers">Who was refused in the last five minutes, the most often first, at most 50.</param>
/// <param name="Died">Whose heartbeat timed out in the last five minutes, the newest first, at most 50.</param>
internal sealed record ConditionsView(
    DateTime GeneratedAt, IReadOnlyList<SilentWorkerView> SilentWorkers, IReadOnlyList<StuckLeaseView> StuckLeases, int WatchesEnding,
    IReadOnlyList<string> ParserDrift, IReadOnlyList<RefusedCallerView> Callers, IReadOnlyList<DiedProcessView> Died);

/// <param name="Process">Kind and id, as <c>worker 20019fcb-…</c>.</param>
internal sealed record DiedProcessView(string Process, DateTime At);

/// <summary>A worker whose heartbeat is gone, or that has not renewed the leases of its jobs for half of their time.</summary>
/// <param name="Worker">Machine, process and id.</param>
/// <param name="Jobs">Jobs that it holds.</param>
internal sealed record SilentWorkerView(string Worker, int Jobs, IReadOnlyList<string> Tools, long SilentMs)
{
    public static SilentWorkerView Of(SilentWorker worker) =>
        new(worker.Worker, worker.Jobs, worker.Tools, (long)worker.SinceRenewal.TotalMilliseconds);
}

/// <summary>Leases that ended at least one lease time ago and were not taken back.</summary>
/// <param name="What"><c>tool_jobs</c> of a worker, or a <c>scheduled_job</c>.</param>
internal sealed record StuckLeaseView(string What, string Name, int Count);

/// <param name="Caller">The masked principal or address.</param>
internal sealed record RefusedCallerView(string Bucket, string Outcome, string Caller, long Hits);

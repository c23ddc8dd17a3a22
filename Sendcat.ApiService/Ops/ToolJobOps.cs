using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.Snapshot;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/tool-jobs</c>: the queue, its health and its alerts.</summary>
internal static class ToolJobOps
{
    private const int MaxWindowMinutes = 1_440;

    public static void MapToolJobs(this RouteGroupBuilder ops)
    {
        ops.MapGet("/tool-jobs", QueueAsync).As(
            "ops.toolJobs", "The tool queue: counts, ages, pressure by lane, health; ?minutes= for ended jobs", 400);
        ops.MapGet("/tool-jobs/{id}", FindAsync).As("ops.toolJob", "One tool job with its attempts", 404);
        ops.MapGet("/tool-jobs/alerts", AlertsAsync).As("ops.toolQueueAlerts", "Alerts about the tool queue, the newest first", 400);
        OpsReason.WithoutReason(ops.MapPost("/tool-jobs/monitor", CheckAsync)).As("ops.monitorQueueHealth",
            "Check the tool queue now, record new alerts and clear old ones");
    }

    private static async Task<Results<Ok<QueueView>, ApiError>> QueueAsync(
        ToolJobStatistics statistics, QueueAlerts alerts, IOptionsMonitor<OpsOptions> options, TimeProvider time, string? minutes,
        CancellationToken cancellationToken)
    {
        var window = options.CurrentValue.DefaultWindowMinutes;
        if (!string.IsNullOrEmpty(minutes)
            && !(int.TryParse(minutes, NumberStyles.None, CultureInfo.InvariantCulture, out window)
                && window is >= 1 and <= MaxWindowMinutes))
        {
            return ApiError.InvalidRequest($"minutes must be 1 to {MaxWindowMinutes}");
        }

        var reading = await statistics.ReadAsync(TimeSpan.FromMinutes(window), cancellationToken);
        return TypedResults.Ok(QueueView.Of(reading, await alerts.EvaluateAsync(cancellationToken), time.GetUtcNow()));
    }

    private static async Task<Results<Ok<ToolJobView>, ApiError>> FindAsync(
        string id, ToolJobHistory jobs, CancellationToken cancellationToken) =>
        Guid.TryParseExact(id, "D", out var job) && await jobs.FindAsync(job, cancellationToken) is { } row
            ? TypedResults.Ok(ToolJobView.Of(row))
            : ApiError.NotFound("No such job");

    private static async Task<Results<Ok<Page<QueueAlertView>>, ApiError>> AlertsAsync(
        QueueAlerts alerts, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        if (!PageLimit.Read(limit, fallback: 50, max: 200).TryGet(out var count, out var refusal)
            || !OpsCursor.Read(cursor).TryGet(out var after, out refusal))
        {
            return refusal;
        }

        var rows = await alerts.ListAsync(after.Before, count + 1, cancellationToken);
        return TypedResults.Ok(
            new Page<QueueAlertView>(
                [.. rows.Take(count).Select(QueueAlertView.Of)], rows.Count > count ? OpsCursor.After(rows[count - 1].Id) : null));
    }

    private static async Task<Ok<QueueChecked>> CheckAsync(QueueAlerts alerts, CancellationToken cancellationToken) =>
        TypedResults.Ok(QueueChecked.Of(await alerts.CheckAsync(cancellationToken)));
}

/// <summary>The cursor of a list with numeric ids, the newest first. It is the id of the last row of a page.</summary>
/// <param name="Before">Null: start with the newest row.</param>
internal sealed record OpsCursor(long? Before)
{
    public static Outcome<OpsCursor> Read(string? text) =>
        string.IsNullOrEmpty(text) ? new OpsCursor((long?)null)
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var before) ? new OpsCursor(before)
        : PageCursor.Invalid;

    public static string After(long id) => id.ToString(CultureInfo.InvariantCulture);
}

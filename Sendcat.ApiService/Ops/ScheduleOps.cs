using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Schedule;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/schedule</c>: the jobs that the tool workers run at intervals.</summary>
internal static class ScheduleOps
{
    public static void MapSchedule(this RouteGroupBuilder ops)
    {
        ops.MapGet("/schedule", ListAsync).As("ops.schedule", "Scheduled jobs: last run, duration, result and next run of each");
        ops.MapPost("/schedule/{name}/run", RunAsync).As("ops.runScheduled", "Run a scheduled job now: a tool worker begins within seconds", 404);
    }

    private static async Task<Ok<Page<ScheduledJobView>>> ListAsync(ScheduleStore store, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Page<ScheduledJobView>([.. (await store.ListAsync(cancellationToken)).Select(ScheduledJobView.Of)], null));

    private static async Task<Results<Accepted<ScheduledJobView>, ApiError>> RunAsync(
        HttpContext http, string name, ScheduleStore store, OperatorAudit audit, CancellationToken cancellationToken)
    {
        if (!(await store.ListAsync(cancellationToken)).Any(job => job.Name == name))
        {
            return ApiError.NotFound("No such scheduled job");
        }

        await audit.RecordAsync(
            OpsEndpoints.By(http), "schedule.run", name,
            async () => (await store.RequestAsync(name, CancellationToken.None), "requested"), cancellationToken);
        return TypedResults.Accepted((string?)null, ScheduledJobView.Of((await store.ListAsync(cancellationToken)).Single(job => job.Name == name)));
    }
}

/// <param name="EverySeconds">Seconds from the end of a run to the next one.</param>
/// <param name="Running">Whether a tool worker runs it now.</param>
/// <param name="NextRunAt">When it is due.</param>
/// <param name="Failures">Consecutive failed runs.</param>
internal sealed record ScheduledJobView(string Name, string Description, double EverySeconds, bool Running, DateTimeOffset NextRunAt, int Failures)
{
    /// <summary>When a run was requested that has not begun.</summary>
    public DateTimeOffset? RequestedAt { get; init; }

    /// <summary>The start of the last run.</summary>
    public DateTimeOffset? LastStartedAt { get; init; }

    /// <summary>The end of the last run that ended.</summary>
    public DateTimeOffset? LastEndedAt { get; init; }

    public double? LastDurationMs { get; init; }

    /// <summary><c>succeeded</c> or <c>failed</c>.</summary>
    public string? LastOutcome { get; init; }

    /// <summary>What the last run has done.</summary>
    public string? LastResult { get; init; }

    /// <summary>The tool worker of the last run.</summary>
    public string? Worker { get; init; }

    public static ScheduledJobView Of(ScheduledJobState job) => new(job.Name, job.Description, job.Interval.TotalSeconds, job.IsRunning, job.NextRunAt, job.Failures)
    {
        RequestedAt = job.RequestedAt,
        LastStartedAt = job.StartedAt,
        LastEndedAt = job.EndedAt,
        LastDurationMs = job.Duration?.TotalMilliseconds,
        LastOutcome = job.Outcome,
        LastResult = job.Result,
        Worker = job.Worker,
    };
}

using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/replicas</c>: every replica and worker side by side, and what operators change on one.</summary>
internal static class ReplicaOps
{
    private const int DefaultWaitSeconds = 300;
    private const int LongestWaitSeconds = 3_600;
    private const string RedisAway = "Redis was away";

    private static readonly TimeSpan RedisRetryAfter = TimeSpan.FromSeconds(1);

    public static void MapReplicas(this RouteGroupBuilder ops)
    {
        ops.MapGet("/replicas", ListAsync).As(
            "ops.replicas",
                "Replicas and workers: what each holds, its own counts of circuits, its age and version, and whether it is drained", 503);
        ops.MapPost("/replicas/{id}/drain", DrainAsync).As(
            "ops.drainReplica",
                "Drain a replica or worker: it begins no new turns or jobs within five seconds; "
                    + "409 for the last of its kind, without ?force=true",
            400, 404, 409, 503);
        ops.MapPost("/replicas/{id}/resume", ResumeAsync).As("ops.resumeReplica", "End the drain of a replica or worker", 404, 409, 503);
        ops.MapPost("/replicas/{id}/restart", RestartAsync).As(
            "ops.restartReplica",
                "Restart a replica or worker: it is drained, and stops when nothing runs in it, or after ?waitSeconds= (300); "
                + "its host starts it again; 409 for the last of its kind, without ?force=true",
            400, 404, 409, 503);
        ops.MapPost("/replicas/{id}/release", ReleaseAsync).As(
            "ops.releaseReplica", "Release the leases of a dead replica, all its slots of admission and bulkheads", 404, 409, 503);
    }

    private static async Task<Results<Ok<Page<ReplicaView>>, ApiError>> ListAsync(
        Processes processes, TimeProvider time, CancellationToken cancellationToken) =>
        await processes.ListAsync(cancellationToken) is { } known
            ? TypedResults.Ok(new Page<ReplicaView>([.. known.Select(process => ReplicaView.Of(process, time.GetUtcNow()))], null))
            : Unavailable();

    private static async Task<Results<Ok<ReplicaDrained>, ApiError>> DrainAsync(
        HttpContext http, string id, string? force, Processes processes, OperatorAudit audit, TimeProvider time,
            CancellationToken cancellationToken) =>
        await OrderAsync(http, id, force, null, processes, audit, time, cancellationToken);

    private static async Task<Results<Ok<ReplicaDrained>, ApiError>> RestartAsync(
        HttpContext http, string id, string? force, string? waitSeconds, Processes processes, OperatorAudit audit, TimeProvider time,
            CancellationToken cancellationToken)
    {
        var seconds = DefaultWaitSeconds;
        return !string.IsNullOrEmpty(waitSeconds)
            && !(int.TryParse(waitSeconds, NumberStyles.None, CultureInfo.InvariantCulture, out seconds) && seconds <= LongestWaitSeconds)
            ? ApiError.InvalidRequest($"waitSeconds must be 0 to {LongestWaitSeconds}")
            : await OrderAsync(http, id, force, TimeSpan.FromSeconds(seconds), processes, audit, time, cancellationToken);
    }

    /// <param name="stopsAfter">For a restart: the longest wait for what runs; null: no restart.</param>
    private static async Task<Results<Ok<ReplicaDrained>, ApiError>> OrderAsync(
        HttpContext http, string id, string? force, TimeSpan? stopsAfter, Processes processes, OperatorAudit audit, TimeProvider time,
            CancellationToken cancellationToken)
    {
        var forced = false;
        if (!string.IsNullOrEmpty(force) && !bool.TryParse(force, out forced))
        {
            return ApiError.InvalidRequest("force must be true or false");
        }

        if (await processes.ListAsync(cancellationToken) is not { } known)
        {
            return Unavailable();
        }

        if (Refusal(known, id) is { } refusal)
        {
            return refusal;
        }

        if (!forced && IsLast(known, id))
        {
            return ApiError.Conflict("No other process of its kind would take new work: set force");
        }

        var (by, now) = (OpsEndpoints.By(http), time.GetUtcNow());
        return await ChangeAsync(id, new(now, by.Actor, by.Reason, now + stopsAfter), by, processes, audit, cancellationToken);
    }

    private static async Task<Results<Ok<ReplicaDrained>, ApiError>> ResumeAsync(
        HttpContext http, string id, Processes processes, OperatorAudit audit, CancellationToken cancellationToken) =>
        await processes.ListAsync(cancellationToken) is not { } known ? Unavailable()
        : Refusal(known, id) is { } refusal ? refusal
        : await ChangeAsync(id, null, OpsEndpoints.By(http), processes, audit, cancellationToken);

    private static async Task<Results<Ok<ReplicaDrained>, ApiError>> ChangeAsync(
        string id, DrainOrder? order, AuditedBy by, Processes processes, OperatorAudit audit, CancellationToken cancellationToken)
    {
        var (action, after) = order switch
        {
            null => ("replica.resume", "resumed"),
            { StopsBy: null } => ("replica.drain", "drained"),
            _ => ("replica.restart", "drained, and stops when nothing runs"),
        };
        var changed = await audit.RecordAsync(
            by, action, id,
            async () => await processes.ChangeAsync(id, order, CancellationToken.None) ? (true, after) : (false, RedisAway),
            cancellationToken);
        return changed
            ? TypedResults.Ok(new ReplicaDrained(id, order is not null) { StopsBy = order?.StopsBy?.UtcDateTime })
            : Unavailable();
    }

    private static ApiError? Refusal(IReadOnlyList<ProcessReading> known, string id) =>
        known.SingleOrDefault(process => process.Replica.Id == id) switch
    {
        null => ApiError.NotFound("No such replica"),
        { Replica.Lives: false } => ApiError.Conflict("The replica is dead"),
        { Status: null } => ApiError.Conflict("The process does not report its status, so it cannot be drained"),
        _ => null,
    };

    /// <summary>Whether no other process of the kind takes new work.</summary>
    internal static bool IsLast(IReadOnlyList<ProcessReading> known, string id)
    {
        var kind = known.Single(process => process.Replica.Id == id).Status?.Kind;
        return !known.Any(other => other.Replica.Id != id && other.Replica.Lives && !other.IsDrained && other.Status?.Kind == kind);
    }

    private static async Task<Results<Ok<ReplicaReleased>, ApiError>> ReleaseAsync(
        HttpContext http, string id, ReplicaLeases replicas, OperatorAudit audit, CancellationToken cancellationToken)
    {
        if (await replicas.ListAsync(cancellationToken) is not { } known)
        {
            return Unavailable();
        }

        if (known.SingleOrDefault(replica => replica.Id == id) is not { } replica)
        {
            return ApiError.NotFound("No such replica");
        }

        if (replica.Lives)
        {
            return ApiError.Conflict("The replica lives: it would take its leases again");
        }

        var released = await audit.RecordAsync(
            OpsEndpoints.By(http), "replica.release", id,
            async () => await replicas.ReleaseAsync(id, CancellationToken.None) is null
                ? (false, RedisAway)
                : (true, string.Create(CultureInfo.InvariantCulture, $"{replica.Holders} holders")),
            cancellationToken);
        return released ? TypedResults.Ok(new ReplicaReleased(id, replica.Holders)) : Unavailable();
    }

    private static ApiError Unavailable() => ApiError.UpstreamUnavailable(RedisRetryAfter, RefusalReason.RedisUnavailable);
}

/// <param name="Lives">It sent a heartbeat in time.</param>
/// <param name="Holders">Turns and jobs that hold leases.</param>
/// <param name="Draining">It begins no new turns or jobs, or will not within seconds.</param>
internal sealed record ReplicaView(string Id, bool Lives, int Holders, bool Draining)
{
    /// <summary><c>api</c> or <c>worker</c>; absent when the process does not report.</summary>
    public string? Kind { get; init; }

    /// <summary>Of the program, with the first digits of the build's id.</summary>
    public string? Version { get; init; }

    public string? Host { get; init; }

    public int? Pid { get; init; }

    public DateTime? StartedAt { get; init; }

    public long? AgeMs { get; init; }

    /// <summary>When it last reported; every two seconds.</summary>
    public DateTime? SeenAt { get; init; }

    public DrainedView? Drained { get; init; }

    /// <summary>Turns that it runs.</summary>
    public int? Turns { get; init; }

    public int? TurnsWaitingForToken { get; init; }

    /// <summary>Tool jobs that it runs.</summary>
    public int? Jobs { get; init; }

    public SlotsView? Slots { get; init; }

    /// <summary>Slots of bulkheads by provider.</summary>
    public required IReadOnlyDictionary<string, int> Permits { get; init; }

    /// <summary>As this process sees them, with its own counts; those without calls are left out.</summary>
    public IReadOnlyList<CircuitView>? Circuits { get; init; }

    public static ReplicaView Of(ProcessReading process, DateTimeOffset now)
    {
        var status = process.Status;
        return new(process.Replica.Id, process.Replica.Lives, process.Replica.Holders, process.IsDrained)
        {
            Kind = status?.Kind,
            Version = status?.Version,
            Host = status?.Host,
            Pid = status?.Pid,
            StartedAt = status?.StartedAt.UtcDateTime,
            AgeMs = status is null ? null : (long)Math.Max(0, (now - status.StartedAt).TotalMilliseconds),
            SeenAt = status?.SeenAt.UtcDateTime,
            Drained = process.Order is { } order ? DrainedView.Of(order, status is { IsDrained: true }) : null,
            Turns = status?.Load.Turns,
            TurnsWaitingForToken = status?.Load.WaitingTurns,
            Jobs = status?.Load.Jobs,
            Slots = status?.Load.Slots is { } slots ? new(status.Load.Jobs ?? 0, slots) : null,
            Permits = process.Permits,
            Circuits = status is null ? null : [.. status.Circuits.Where(circuit => circuit.UpdatedAt is not null).Select(CircuitView.Of)],
        };
    }
}

/// <summary>Who has drained a process.</summary>
/// <param name="Effective">The process has reported that it takes no new work.</param>
internal sealed record DrainedView(DateTime At, string By, string? Reason, bool Effective)
{
    /// <summary>For a restart: it stops when nothing runs in it, at the latest then.</summary>
    public DateTime? StopsBy { get; init; }

    public static DrainedView Of(DrainOrder order, bool effective) =>
        new(order.At.UtcDateTime, order.By, order.Reason, effective) { StopsBy = order.StopsBy?.UtcDateTime };
}

internal sealed record SlotsView(int Used, int Max);

internal sealed record ReplicaDrained(string Id, bool Draining)
{
    /// <summary>For a restart: it stops when nothing runs in it, at the latest then.</summary>
    public DateTime? StopsBy { get; init; }
}

/// <param name="Released">Turns and jobs whose leases were released.</param>
internal sealed record ReplicaReleased(string Id, int Released);

using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.Reliability.Snapshot;

/// <summary>
/// Conditions that operators must know of and that no count of the snapshot shows: workers that are silent, leases that nobody releases,
/// results of scheduled checks, and the callers behind refusals.
/// </summary>
public sealed class ConditionStore
{
    /// <summary>The window in which refusals of callers are counted and deaths of processes are listed.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    /// <summary>Until the heartbeat of a worker that has just started has arrived.</summary>
    private static readonly TimeSpan Claimed = TimeSpan.FromSeconds(3);

    private const int MaxCallers = 50;
    private const int MaxDied = 50;

    /// <summary>The scheduled job that finds parser drift, and how its result begins when it has found some.</summary>
    private const string DriftCheck = "monitor-parser-drift";
    private const string DriftResult = "drift of ";

    private const string Holders = """
        -- find holders of jobs
        SELECT coalesce(lease_owner, ''), array_agg(DISTINCT tool), count(*)::int, max(lease_expires_at) - statement_timestamp(),
            count(*) FILTER (WHERE lease_expires_at < statement_timestamp() - $1)::int
        FROM reliability.tool_jobs WHERE status = 'running' GROUP BY 1
        """;

    private const string Scheduled = """
        -- find overdue scheduled jobs
        SELECT name, result, lease_until < statement_timestamp() - INTERVAL '5 minutes' FROM reliability.scheduled_jobs
        """;

    // Failovers, suspensions and losses of data are events of limits as well, but their keys name no caller.
    private const string Callers = """
        -- find refused callers
        SELECT bucket, outcome, key, sum(hits)::bigint FROM reliability.rate_limit_events
        WHERE outcome = ANY(ARRAY['blocked', 'contention_fallback']) AND created_at >= $1
            AND bucket <> ALL(ARRAY['provider_failover', 'provider_suspension', 'redis_data_lost'])
        GROUP BY bucket, outcome, key ORDER BY 4 DESC LIMIT $2
        """;

    private const string Deaths = """
        -- list processes that died
        SELECT subject, at FROM reliability.incident_marks WHERE kind = 'process_died' AND at >= $1 ORDER BY at DESC LIMIT $2
        """;

    private readonly RequestDatabase _database;
    private readonly LiveReplicas _replicas;
    private readonly IOptionsMonitor<ToolJobOptions> _options;
    private readonly TimeProvider _time;

    internal ConditionStore(RequestDatabase database, LiveReplicas replicas, IOptionsMonitor<ToolJobOptions> options, TimeProvider time) =>
        (_database, _replicas, _options, _time) = (database, replicas, options, time);

    public async Task<ConditionReading> ReadAsync(CancellationToken cancellationToken)
    {
        var live = await _replicas.ReadAsync(cancellationToken);
        var lease = TimeSpan.FromMilliseconds(_options.CurrentValue.LeaseMs);
        await using var connection = await _database.OpenAsync(cancellationToken);
        await using var batch = connection.CreateBatch();
        batch.BatchCommands.Add(new(Holders) { Parameters = { new() { Value = lease } } });
        batch.BatchCommands.Add(new(Scheduled));
        var since = _time.GetUtcNow() - Window;
        batch.BatchCommands.Add(new(Callers) { Parameters = { new() { Value = since }, new() { Value = MaxCallers } } });
        batch.BatchCommands.Add(new(Deaths) { Parameters = { new() { Value = since }, new() { Value = MaxDied } } });
        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        var reading = new ConditionReading([], [], [], [], []);
        await ReadHoldersAsync(reader, reading, live, lease);
        await reader.NextResultAsync(CancellationToken.None);
        await ReadScheduledAsync(reader, reading);
        await reader.NextResultAsync(CancellationToken.None);
        while (await reader.ReadAsync(CancellationToken.None))
        {
            reading.Callers.Add(new(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3)));
        }

        await reader.NextResultAsync(CancellationToken.None);
        while (await reader.ReadAsync(CancellationToken.None))
        {
            reading.Died.Add(new(reader.GetString(0), await reader.GetFieldValueAsync<DateTimeOffset>(1, CancellationToken.None)));
        }

        return reading;
    }

    private static async Task ReadHoldersAsync(
        NpgsqlDataReader reader, ConditionReading reading, IReadOnlySet<ReplicaId>? live, TimeSpan lease)
    {
        while (await reader.ReadAsync(CancellationToken.None))
        {
            var (owner, jobs, sinceRenewal) = (reader.GetString(0), reader.GetInt32(2), lease - reader.GetTimeSpan(3));
            var isDead = live is not null && LeaseOwner.ReplicaOf(owner) is { } replica && !live.Contains(replica);

            // A worker renews its leases several times in their duration. A job that it has just claimed proves that it lives.
            if (sinceRenewal > lease / 2 || (isDead && sinceRenewal > Claimed))
            {
                var tools = await reader.GetFieldValueAsync<string[]>(1, CancellationToken.None);
                reading.Silent.Add(new(owner, tools, jobs, sinceRenewal));
            }

            if (reader.GetInt32(4) is > 0 and var overdue)
            {
                reading.Stuck.Add(new(StuckLease.ToolJobs, owner, overdue));
            }
        }
    }

    private static async Task ReadScheduledAsync(NpgsqlDataReader reader, ConditionReading reading)
    {
        while (await reader.ReadAsync(CancellationToken.None))
        {
            var name = reader.GetString(0);
            if (name == DriftCheck && !await reader.IsDBNullAsync(1, CancellationToken.None)
                && reader.GetString(1) is var result && result.StartsWith(DriftResult, StringComparison.Ordinal))
            {
                reading.Drift.AddRange(
                    result[DriftResult.Length..].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
            }

            if (!await reader.IsDBNullAsync(2, CancellationToken.None) && reader.GetBoolean(2))
            {
                reading.Stuck.Add(new(StuckLease.ScheduledJob, name, 1));
            }
        }
    }
}

/// <param name="Drift">Merchants whose mails are no longer read by their parser.</param>
/// <param name="Callers">Those who were refused most often in the last five minutes, the most often first.</param>
/// <param name="Died">Processes whose heartbeat timed out in the last five minutes, the newest first.</param>
public sealed record ConditionReading(
    List<SilentWorker> Silent, List<StuckLease> Stuck, List<string> Drift, List<RefusedCaller> Callers, List<DiedProcess> Died);

/// <param name="Process">Its kind and id, as <c>worker 20019fcb-…</c>; the id alone when its start is not known.</param>
/// <param name="At">When its heartbeat timed out.</param>
public sealed record DiedProcess(string Process, DateTimeOffset At);

/// <summary>A worker that holds running jobs and does not renew their leases.</summary>
/// <param name="SinceRenewal">Time since it last renewed or claimed one.</param>
public sealed record SilentWorker(string Worker, IReadOnlyList<string> Tools, int Jobs, TimeSpan SinceRenewal);

/// <summary>Leases that ended at least one lease time ago, and that nobody has taken back.</summary>
/// <param name="What"><see cref="ToolJobs"/> or <see cref="ScheduledJob"/>.</param>
/// <param name="Name">The worker, or the scheduled job.</param>
public sealed record StuckLease(string What, string Name, int Count)
{
    public const string ToolJobs = "tool_jobs";
    public const string ScheduledJob = "scheduled_job";
}

/// <param name="Caller">The masked key that the limit counts under.</param>
/// <param name="Hits">How often.</param>
public sealed record RefusedCaller(string Bucket, string Outcome, string Caller, long Hits);

using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.Reliability.ToolJobs.Recovery;

/// <summary>
/// Repairs the job rows that no running worker will update any more. Any number of replicas may run each step at the same time.
/// </summary>
internal sealed class JobRecovery(
    LaneCatalog lanes, NpgsqlDataSource database, IOptionsMonitor<ToolJobOptions> options, ToolJobSignals signals, RunLeases runLeases)
{
    /// <summary>Maximum number of rows that one step changes. The next round continues with the rest.</summary>
    private const int MaxRowsPerStep = 1_000;

    /// <summary>Time that a job's message has to reach a worker before the job counts as overdue.</summary>
    private static readonly TimeSpan MessageGrace = TimeSpan.FromSeconds(4);

    /// <summary>
    /// Recovered jobs become due at random times within this window. One of them may have crashed the worker, and the others must not run
    /// beside it again.
    /// </summary>
    private static readonly TimeSpan RequeueWindow = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Requeues the jobs whose lease has expired, or makes them dead letters when that was their last attempt, so that a job which crashes
    /// its worker does not loop. A requeued job keeps its position in the fair order, at the latest that of the start of its attempt: jobs
    /// that were enqueued since do not run before it. The slots that the silent runs held in bulkheads are released with them.
    /// </summary>
    public async Task<IReadOnlyList<RecoveredJobs>> RecoverExpiredLeasesAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- rescue silent tool jobs
            WITH silent AS (
                SELECT id, attempts >= max_attempts AS spent, statement_timestamp() + random() * $4 AS due_at FROM reliability.tool_jobs
                WHERE status = 'running' AND lease_expires_at <= statement_timestamp()
                ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
            ), rescued AS (
                UPDATE reliability.tool_jobs j SET
                    status = CASE WHEN s.spent THEN 'dead_letter' ELSE 'queued' END,
                    last_error = 'The worker fell silent.', error_fingerprint = $2,
                    history = j.history || jsonb_build_object(
                        'attempt', j.attempts, 'startedAt', j.started_at, 'endedAt', statement_timestamp(), 'worker', j.lease_owner,
                        'error', 'The worker fell silent.', 'fingerprint', $2),
                    lease_expires_at = NULL, updated_at = statement_timestamp(),
                    available_at = CASE WHEN s.spent THEN j.available_at ELSE s.due_at END,
                    fair_at = least(j.fair_at, j.started_at),
                    announced_at = CASE WHEN s.spent THEN j.announced_at ELSE s.due_at END,
                    completed_at = CASE WHEN s.spent THEN statement_timestamp() END,
                    dead_letter_at = CASE WHEN s.spent THEN statement_timestamp() END,
                    dead_letter_reason = CASE WHEN s.spent THEN 'lease_expired' END,
                    expires_at = CASE WHEN s.spent THEN statement_timestamp() + $3 END
                FROM silent s WHERE j.id = s.id
                RETURNING j.id, j.tool, j.status, j.trace_parent, j.available_at, j.token, j.lease_owner
            ), announced AS (
                INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent) SELECT id, tool, available_at, trace_parent
                  FROM rescued WHERE status = 'queued'
            )
            SELECT tool, status, array_agg(id), array_agg(token), array_agg(lease_owner) FROM rescued GROUP BY tool, status
            """);
        command.Parameters.Add(new() { Value = MaxRowsPerStep });
        command.Parameters.Add(new() { Value = ErrorFingerprint.Of("The worker fell silent.") });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(options.CurrentValue.DeadLetterTtlMs) });
        command.Parameters.Add(new() { Value = RequeueWindow });
        var recovered = new List<RecoveredJobs>();
        var silent = new List<(string Run, string? Owner)>();
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var ids = await reader.GetFieldValueAsync<Guid[]>(2, cancellationToken);
                var tokens = await reader.GetFieldValueAsync<long[]>(3, cancellationToken);
                silent.AddRange(ids.Zip(tokens, JobLease.RunOf).Zip(await reader.GetFieldValueAsync<string?[]>(4, cancellationToken)));

                // A job of a tool that only a newer build knows is recovered too; its workers poll.
                if (lanes.TryFind(reader.GetString(0), out var lane))
                {
                    recovered.Add(new(lane, reader.GetString(1) == "dead_letter", ids));
                }
            }
        }

        foreach (var dead in recovered.Where(it => it.DeadLettered))
        {
            signals.Finished(dead.Jobs.Select(job => (dead.Lane, job)));
        }

        await ReleaseSlotsAsync(silent, cancellationToken);
        return recovered;
    }

    private async Task ReleaseSlotsAsync(IEnumerable<(string Run, string? Owner)> silent, CancellationToken cancellationToken)
    {
        foreach (var owner in silent.GroupBy(run => LeaseOwner.ReplicaOf(run.Owner), run => run.Run))
        {
            if (owner.Key is { } replica)
            {
                await runLeases.ReleaseAsync(replica, [.. owner], cancellationToken);
            }
        }
    }

    /// <summary>Counts the due jobs of the lane, and those of them whose message has had time to reach a worker.</summary>
    public async Task<(int Due, int Overdue)> CountDueAsync(ToolLane lane, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- count overdue tool jobs
            SELECT count(*)::int, (count(*) FILTER (WHERE announced_at <= statement_timestamp() - $2))::int FROM reliability.tool_jobs
            WHERE tool = $1 AND status = 'queued' AND available_at <= statement_timestamp()
            """);
        command.Parameters.Add(new() { Value = lane.Tool });
        command.Parameters.Add(new() { Value = MessageGrace });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt32(0), reader.GetInt32(1));
    }

    /// <summary>Inserts new outbox rows for up to <paramref name="missing"/> overdue jobs of the lane.</summary>
    public async Task<int> RepublishAsync(ToolLane lane, int missing, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- announce tool jobs again
            WITH overdue AS (
                SELECT id FROM reliability.tool_jobs
                WHERE tool = $1 AND status = 'queued' AND available_at <= statement_timestamp()
                  AND announced_at <= statement_timestamp() - $2
                ORDER BY fair_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
            ), again AS (
                UPDATE reliability.tool_jobs j SET announced_at = statement_timestamp() FROM overdue WHERE j.id = overdue.id
                  RETURNING j.id, j.tool, j.trace_parent
            )
            INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent) SELECT id, tool, statement_timestamp(), trace_parent
              FROM again
            """);
        command.Parameters.Add(new() { Value = lane.Tool });
        command.Parameters.Add(new() { Value = MessageGrace });
        command.Parameters.Add(new() { Value = Math.Min(missing, MaxRowsPerStep) });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Deletes finished jobs whose retention time has passed. It never deletes a queued or running job.</summary>
    public async Task<int> RemoveExpiredAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- remove expired tool jobs
            DELETE FROM reliability.tool_jobs WHERE id = ANY(ARRAY(
                SELECT id FROM reliability.tool_jobs
                WHERE completed_at <= statement_timestamp() - $1 AND expires_at <= statement_timestamp()
                  AND status NOT IN ('queued', 'running')
                ORDER BY completed_at LIMIT $2 FOR UPDATE SKIP LOCKED))
            """);
        command.Parameters.Add(
            new() { Value = TimeSpan.FromMilliseconds(Math.Min(options.CurrentValue.TtlMs, options.CurrentValue.DeadLetterTtlMs)) });
        command.Parameters.Add(new() { Value = MaxRowsPerStep });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <param name="DeadLettered">True: the jobs are dead letters now. False: they are queued again.</param>
internal sealed record RecoveredJobs(ToolLane Lane, bool DeadLettered, IReadOnlyList<Guid> Jobs);

using Microsoft.Extensions.Options;
using Npgsql;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>Sets right in the record what nobody is left to set right. Each step may run on any number of replicas at once.</summary>
internal sealed class JobRecovery(NpgsqlDataSource database, IOptionsMonitor<ToolJobOptions> options, ToolJobSignals signals)
{
    /// <summary>Rows that one step touches at most; the next round goes on.</summary>
    private const int Most = 1_000;

    /// <summary>A job's message is given so long to reach a worker before its absence means anything.</summary>
    private static readonly TimeSpan MessageGrace = TimeSpan.FromSeconds(4);

    /// <summary>Rescued jobs come back one by one over this time: one of them may be what killed the worker, and its neighbours must not meet it again.</summary>
    private static readonly TimeSpan Scatter = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Jobs whose worker fell silent wait again, or are dead letters when that was their last attempt: a job that kills its worker does not loop. They have had their turn once, so
    /// whoever came since does not go before them.
    /// </summary>
    public async Task<IReadOnlyList<RecoveredJobs>> ExpiredLeasesAsync(CancellationToken cancellationToken)
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
                        'attempt', j.attempts, 'startedAt', j.started_at, 'endedAt', statement_timestamp(), 'worker', j.lease_owner, 'error', 'The worker fell silent.', 'fingerprint', $2),
                    lease_expires_at = NULL, updated_at = statement_timestamp(),
                    available_at = CASE WHEN s.spent THEN j.available_at ELSE s.due_at END,
                    fair_at = least(j.fair_at, statement_timestamp()),
                    announced_at = CASE WHEN s.spent THEN j.announced_at ELSE s.due_at END,
                    completed_at = CASE WHEN s.spent THEN statement_timestamp() END,
                    dead_letter_at = CASE WHEN s.spent THEN statement_timestamp() END,
                    dead_letter_reason = CASE WHEN s.spent THEN 'lease_expired' END,
                    expires_at = CASE WHEN s.spent THEN statement_timestamp() + $3 END
                FROM silent s WHERE j.id = s.id
                RETURNING j.id, j.tool, j.status, j.trace_parent, j.available_at
            ), announced AS (
                INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent) SELECT id, tool, available_at, trace_parent FROM rescued WHERE status = 'queued'
            )
            SELECT tool, status, array_agg(id) FROM rescued GROUP BY tool, status
            """);
        command.Parameters.Add(new() { Value = Most });
        command.Parameters.Add(new() { Value = ErrorFingerprint.Of("The worker fell silent.") });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(options.CurrentValue.DeadLetterTtlMs) });
        command.Parameters.Add(new() { Value = Scatter });
        var rescued = new List<RecoveredJobs>();
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                rescued.Add(new(ToolLane.Of(reader.GetString(0)), reader.GetString(1) == "dead_letter", await reader.GetFieldValueAsync<Guid[]>(2, cancellationToken)));
            }
        }

        foreach (var dead in rescued.Where(it => it.Dead))
        {
            signals.Finished(dead.Jobs.Select(job => (dead.Lane, job)));
        }

        return rescued;
    }

    /// <summary>Due jobs of the lane, and how many of them have had time to be picked up.</summary>
    public async Task<(int Due, int Overdue)> DueAsync(ToolLane lane, CancellationToken cancellationToken)
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

    /// <summary>Lets up to <paramref name="missing"/> overdue jobs of the lane be announced again.</summary>
    public async Task<int> AnnounceAgainAsync(ToolLane lane, int missing, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- announce tool jobs again
            WITH overdue AS (
                SELECT id FROM reliability.tool_jobs
                WHERE tool = $1 AND status = 'queued' AND available_at <= statement_timestamp() AND announced_at <= statement_timestamp() - $2
                ORDER BY fair_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
            ), again AS (
                UPDATE reliability.tool_jobs j SET announced_at = statement_timestamp() FROM overdue WHERE j.id = overdue.id RETURNING j.id, j.tool, j.trace_parent
            )
            INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent) SELECT id, tool, statement_timestamp(), trace_parent FROM again
            """);
        command.Parameters.Add(new() { Value = lane.Tool });
        command.Parameters.Add(new() { Value = MessageGrace });
        command.Parameters.Add(new() { Value = Math.Min(missing, Most) });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Removes finished jobs that were kept long enough; never one that waits or runs.</summary>
    public async Task<int> RemoveExpiredAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- remove expired tool jobs
            DELETE FROM reliability.tool_jobs WHERE id = ANY(ARRAY(
                SELECT id FROM reliability.tool_jobs
                WHERE completed_at <= statement_timestamp() - $1 AND expires_at <= statement_timestamp() AND status NOT IN ('queued', 'running')
                ORDER BY completed_at LIMIT $2 FOR UPDATE SKIP LOCKED))
            """);
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(Math.Min(options.CurrentValue.TtlMs, options.CurrentValue.DeadLetterTtlMs)) });
        command.Parameters.Add(new() { Value = Most });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <param name="Dead">Dead letters now; otherwise they wait again.</param>
internal sealed record RecoveredJobs(ToolLane Lane, bool Dead, IReadOnlyList<Guid> Jobs);

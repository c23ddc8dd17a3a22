using Npgsql;

namespace Sendcat.Reliability.Schedule;

/// <summary>
/// The jobs that run at intervals, in Postgres. A lease with a fencing token lets one worker run a job at a time; when a worker dies, its
/// lease expires, and another worker runs the job again.
/// </summary>
public sealed class ScheduleStore(NpgsqlDataSource database)
{
    /// <summary>A job that no worker has listed for this time was removed from the program.</summary>
    private static readonly TimeSpan UnlistedRetention = TimeSpan.FromDays(7);

    /// <summary>Lists the jobs of this program. New ones are due at once.</summary>
    public async Task RegisterAsync(
        IReadOnlyList<(string Name, string Description, TimeSpan Interval)> jobs, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- register scheduled jobs
            INSERT INTO reliability.scheduled_jobs AS j (name, description, interval_ms, listed_at, next_run_at)
            SELECT name, description, interval_ms, statement_timestamp(), statement_timestamp()
            FROM unnest($1::text[], $2::text[], $3::bigint[]) AS l(name, description, interval_ms) ORDER BY name
            ON CONFLICT (name) DO UPDATE SET description = excluded.description, interval_ms = excluded.interval_ms,
              listed_at = excluded.listed_at,
                next_run_at = least(j.next_run_at, statement_timestamp() + INTERVAL '1 millisecond' * excluded.interval_ms)
            """);
        command.Parameters.Add(new() { Value = jobs.Select(job => job.Name).ToArray() });
        command.Parameters.Add(new() { Value = jobs.Select(job => job.Description).ToArray() });
        command.Parameters.Add(new() { Value = jobs.Select(job => (long)job.Interval.TotalMilliseconds).ToArray() });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Takes a due or requested job that nobody runs.</summary>
    /// <param name="names">The jobs that the caller can run.</param>
    /// <param name="worker">The caller, for operators.</param>
    /// <param name="lease">The lease.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <returns>Null: none is due.</returns>
    public async Task<ScheduledRun?> ClaimAsync(
        IReadOnlyCollection<string> names, string worker, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- claim scheduled job
            UPDATE reliability.scheduled_jobs j SET token = j.token + 1, lease_until = statement_timestamp() + $3, worker = $2,
              started_at = statement_timestamp(), requested_at = NULL
            FROM (
                SELECT name, requested_at IS NOT NULL AS is_requested FROM reliability.scheduled_jobs
                WHERE name = ANY($1) AND (next_run_at <= statement_timestamp() OR requested_at IS NOT NULL)
                  AND (lease_until IS NULL OR lease_until <= statement_timestamp())
                ORDER BY requested_at NULLS LAST, next_run_at LIMIT 1 FOR UPDATE SKIP LOCKED
            ) due WHERE j.name = due.name
            RETURNING j.name, j.token, due.is_requested
            """);
        command.Parameters.Add(new() { Value = names.ToArray() });
        command.Parameters.Add(new() { Value = worker });
        command.Parameters.Add(new() { Value = lease });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new(reader.GetString(0), reader.GetInt64(1), reader.GetBoolean(2)) : null;
    }

    /// <returns>False: the lease has passed to another worker.</returns>
    public async Task<bool> RenewAsync(ScheduledRun run, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- renew scheduled job
            UPDATE reliability.scheduled_jobs SET lease_until = statement_timestamp() + $3
              WHERE name = $1 AND token = $2 AND lease_until > statement_timestamp()
            """);
        command.Parameters.Add(new() { Value = run.Name });
        command.Parameters.Add(new() { Value = run.Token });
        command.Parameters.Add(new() { Value = lease });
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>Stores the result of a run and the time of the next one, unless another worker has taken the job over.</summary>
    /// <param name="run">The run.</param>
    /// <param name="isSuccess">Whether it did what it should.</param>
    /// <param name="result">For operators; it contains no secrets.</param>
    /// <param name="retryDelays">The delay after so many consecutive failures; it is not longer than the interval.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    public async Task EndAsync(
        ScheduledRun run, bool isSuccess, string result, Func<int, TimeSpan> retryDelays, CancellationToken cancellationToken)
    {
        // The number of failures is small: longer series have the longest delay.
        const int Steps = 16;
        await using var command = database.CreateCommand(
            """
            -- end scheduled job
            UPDATE reliability.scheduled_jobs SET
                lease_until = NULL, ended_at = statement_timestamp(),
                duration_ms = (extract(epoch FROM statement_timestamp() - started_at) * 1000)::bigint,
                outcome = CASE WHEN $3 THEN 'succeeded' ELSE 'failed' END, result = $4,
                failures = CASE WHEN $3 THEN 0 ELSE failures + 1 END,
                next_run_at = statement_timestamp() + INTERVAL '1 millisecond' * CASE WHEN $3 THEN interval_ms
                ELSE least(interval_ms, ($5::bigint[])[least(failures + 1, $6)]) END
            WHERE name = $1 AND token = $2
            """);
        command.Parameters.Add(new() { Value = run.Name });
        command.Parameters.Add(new() { Value = run.Token });
        command.Parameters.Add(new() { Value = isSuccess });
        command.Parameters.Add(new() { Value = result });
        command.Parameters.Add(
            new() { Value = Enumerable.Range(1, Steps).Select(failures => (long)retryDelays(failures).TotalMilliseconds).ToArray() });
        command.Parameters.Add(new() { Value = Steps });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Requests a run as soon as possible. The regular runs stay as they are.</summary>
    /// <param name="name">The name of the job.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <returns>False: there is no such job.</returns>
    public async Task<bool> RequestAsync(string name, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- request scheduled job
            UPDATE reliability.scheduled_jobs SET requested_at = coalesce(requested_at, statement_timestamp()) WHERE name = $1
            """);
        command.Parameters.Add(new() { Value = name });
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>All jobs by name, without those that were removed from the program.</summary>
    public async Task<IReadOnlyList<ScheduledJobState>> ListAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- list scheduled jobs
            SELECT name, description, interval_ms, next_run_at, requested_at, lease_until > statement_timestamp(), worker, started_at,
              ended_at, duration_ms, outcome, result, failures
            FROM reliability.scheduled_jobs WHERE listed_at > statement_timestamp() - $1 ORDER BY name
            """);
        command.Parameters.Add(new() { Value = UnlistedRetention });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var jobs = new List<ScheduledJobState>();
        while (await reader.ReadAsync(cancellationToken))
        {
            jobs.Add(new(
                reader.GetString(0),
                reader.GetString(1),
                TimeSpan.FromMilliseconds(reader.GetInt64(2)),
                await reader.GetFieldValueAsync<DateTimeOffset>(3, cancellationToken),
                await TimeAsync(4),
                !await reader.IsDBNullAsync(5, cancellationToken) && reader.GetBoolean(5),
                await TextAsync(6),
                await TimeAsync(7),
                await TimeAsync(8),
                await reader.IsDBNullAsync(9, cancellationToken) ? null : TimeSpan.FromMilliseconds(reader.GetInt64(9)),
                await TextAsync(10),
                await TextAsync(11),
                reader.GetInt32(12)));
        }

        return jobs;

        async Task<DateTimeOffset?> TimeAsync(int column) =>
            await reader.IsDBNullAsync(column, cancellationToken)
                ? null
                : await reader.GetFieldValueAsync<DateTimeOffset>(column, cancellationToken);

        async Task<string?> TextAsync(int column) =>
            await reader.IsDBNullAsync(column, cancellationToken) ? null : reader.GetString(column);
    }
}

/// <summary>A run of a job, and the lease under which it runs.</summary>
/// <param name="Name">The name of the job.</param>
/// <param name="Token">The fencing token.</param>
/// <param name="IsRequested">An operator has requested it.</param>
public sealed record ScheduledRun(string Name, long Token, bool IsRequested);

/// <summary>A job with its last and its next run.</summary>
/// <param name="NextRunAt">When it is due.</param>
/// <param name="RequestedAt">When an operator requested a run that has not begun.</param>
/// <param name="IsRunning">Whether a worker runs it now.</param>
/// <param name="Worker">The worker of the last run.</param>
/// <param name="EndedAt">The end of the last run that ended.</param>
/// <param name="Outcome"><c>succeeded</c> or <c>failed</c>.</param>
/// <param name="Failures">Consecutive failed runs.</param>
public sealed record ScheduledJobState(
    string Name, string Description, TimeSpan Interval, DateTimeOffset NextRunAt, DateTimeOffset? RequestedAt, bool IsRunning,
    string? Worker, DateTimeOffset? StartedAt,
    DateTimeOffset? EndedAt, TimeSpan? Duration, string? Outcome, string? Result, int Failures);

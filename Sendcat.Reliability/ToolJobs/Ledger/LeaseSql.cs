namespace Sendcat.Reliability.ToolJobs.Ledger;

internal static class LeaseSql
{
    /// <summary>
    /// $1 tool, $2 class, $3 $4 their running limits, $5 maximum number of jobs, $6 owner, $7 duration of the lease, $8 time for which a
    /// job must be due. Returns one row for each claimed job: the number of due jobs (at most $5 + 1), then the job. Without a claimed job
    /// it returns one row with null job columns. An expired lease does not count as running, because its worker may have crashed. With $8,
    /// the claim is made without a message, and the outbox rows of its jobs are deleted unless they are being published.
    /// </summary>
    public const string Claim = """
        -- claim tool jobs
        WITH running AS (
            SELECT tool, qos_class FROM reliability.tool_jobs WHERE status = 'running' AND lease_expires_at > statement_timestamp()
        ), room AS (
            SELECT
                greatest(0, least($5,
                    $3 - (SELECT count(*) FROM running WHERE tool = $1),
                    $4 - (SELECT count(*) FROM running WHERE qos_class = $2))) AS places,
                (SELECT count(*) FROM (
                    SELECT FROM reliability.tool_jobs WHERE tool = $1 AND status = 'queued' AND available_at <= statement_timestamp() - $8
                    LIMIT $5 + 1) due)::int AS due
        ), chosen AS (
            SELECT id FROM reliability.tool_jobs
            WHERE tool = $1 AND status = 'queued' AND available_at <= statement_timestamp() - $8
            ORDER BY fair_at, id
            LIMIT (SELECT least(places, due) FROM room)
            FOR UPDATE SKIP LOCKED
        ), claimed AS (
            UPDATE reliability.tool_jobs j SET
                status = 'running', attempts = j.attempts + 1, token = j.token + 1, lease_owner = $6,
                lease_expires_at = statement_timestamp() + $7,
                started_at = statement_timestamp(), updated_at = statement_timestamp()
            FROM chosen WHERE j.id = chosen.id
            RETURNING j.*
        ), withdrawn AS (
            DELETE FROM reliability.tool_outbox WHERE $8 > interval '0' AND id = ANY(ARRAY(
                SELECT o.id FROM reliability.tool_outbox o JOIN claimed ON claimed.id = o.job_id
                WHERE o.tool = $1 AND o.due_at <= statement_timestamp()
                FOR UPDATE OF o SKIP LOCKED))
        )
        SELECT r.due, c.id, c.token, c.attempts, c.principal, c.args, c.cache_namespace, c.cache_key, c.trace_parent, c.trace_state,
            c.started_at - c.available_at, $7::interval
        FROM room r LEFT JOIN claimed c ON TRUE
        ORDER BY c.fair_at, c.id
        """;

    /// <summary>
    /// $1 job ids, $2 fencing tokens, $3 duration of the lease. Returns the jobs whose lease is valid and whether it was renewed. A row
    /// that another statement has locked is not renewed: waiting for it while holding the locks of other rows could end in a deadlock.
    /// </summary>
    public const string Renew = """
        -- renew tool job leases
        WITH held AS (
            SELECT id, token FROM reliability.tool_jobs j JOIN unnest($1::uuid[], $2::bigint[]) AS held(id, token) USING (id, token)
            WHERE j.status = 'running' AND j.lease_expires_at > statement_timestamp()
        ), free AS (
            SELECT id FROM reliability.tool_jobs j JOIN held USING (id, token)
            WHERE j.status = 'running' AND j.lease_expires_at > statement_timestamp()
            FOR UPDATE OF j SKIP LOCKED
        ), renewed AS (
            UPDATE reliability.tool_jobs j SET lease_expires_at = statement_timestamp() + $3, updated_at = statement_timestamp()
            FROM free WHERE j.id = free.id
        )
        SELECT held.id, free.id IS NOT NULL FROM held LEFT JOIN free USING (id)
        """;

    /// <summary>The reason of a replay whose result lacks a source. It is a dead letter again, because nobody waits for the rest.</summary>
    public const string PartialResult = "partial_result";

    /// <summary>The reason of a replay that failed in a way in which a first run would end as <c>failed</c>, such as an open
    /// circuit.</summary>
    public const string ReplayFailed = "replay_failed";

    /// <summary>
    /// $1 job ids, $2 fencing tokens, $3 results, $4 retention time, $5 the lanes whose arguments are erased, $6 whether each result is
    /// partial, $7 retention time of dead letters, $8 $9 error and fingerprint of a partial result. Returns the jobs that this statement
    /// completed. A replay with a partial result that no turn waits for is not done: it becomes a dead letter again.
    /// </summary>
    public const string Complete = $"""
        -- complete tool jobs
        UPDATE reliability.tool_jobs j SET
            status = CASE WHEN {IsUndone} THEN 'dead_letter' ELSE 'completed' END,
            result = done.result, is_partial = done.is_partial, completed_at = statement_timestamp(), updated_at = statement_timestamp(),
            expires_at = statement_timestamp() + CASE WHEN {IsUndone} THEN $7 ELSE $4 END, lease_expires_at = NULL,
            dead_letter_at = CASE WHEN {IsUndone} THEN statement_timestamp() END, dead_letter_reason = CASE WHEN {IsUndone} THEN
                '{PartialResult}' END,
            last_error = CASE WHEN {IsUndone} THEN $8::text ELSE j.last_error END, error_fingerprint = CASE WHEN {IsUndone} THEN $9::text
                ELSE j.error_fingerprint END,
            history = CASE WHEN {IsUndone} THEN j.history || jsonb_build_object(
                'attempt', j.attempts, 'startedAt', j.started_at, 'endedAt', statement_timestamp(), 'worker', j.lease_owner, 'error',
                    $8::text, 'fingerprint', $9::text)
                ELSE j.history END,
            args = CASE WHEN j.tool = ANY($5) AND NOT ({IsUndone}) THEN '{EmptyObject}' ELSE j.args END,
            principal = CASE WHEN j.tool = ANY($5) AND NOT ({IsUndone}) THEN 'erased' ELSE j.principal END
        FROM unnest($1::uuid[], $2::bigint[], $3::text[], $6::boolean[]) AS done(id, token, result, is_partial)
        WHERE j.id = done.id AND j.token = done.token AND j.status = 'running' AND j.lease_expires_at > statement_timestamp()
        RETURNING j.id
        """;

    private const string IsUndone = "done.is_partial AND j.replay_count > 0 AND j.waiters = 0";

    private const string EmptyObject = "{}";

    /// <summary>
    /// $1 job ids, $2 fencing tokens, $3 errors, $4 fingerprints, $5 what follows (retry, fail or reject), $6 retry delays, $7 $8 retention
    /// times of failed jobs and of dead letters, $9 the lanes whose arguments are erased. Returns (job id, new status). A replay that fails
    /// stays a dead letter, whatever the failure: otherwise a replay into an open circuit would lose it.
    /// </summary>
    public const string Fail = $"""
        -- fail tool jobs
        WITH ended AS (
            UPDATE reliability.tool_jobs j SET
                status = next.status,
                last_error = f.error, error_fingerprint = f.fingerprint,
                history = j.history || jsonb_build_object(
                    'attempt', j.attempts, 'startedAt', j.started_at, 'endedAt', statement_timestamp(), 'worker', j.lease_owner, 'error',
                    f.error, 'fingerprint', f.fingerprint),
                available_at = CASE next.status WHEN 'queued' THEN statement_timestamp() + f.delay ELSE j.available_at END,
                announced_at = CASE next.status WHEN 'queued' THEN statement_timestamp() + f.delay ELSE j.announced_at END,
                completed_at = CASE next.status WHEN 'queued' THEN NULL ELSE statement_timestamp() END,
                expires_at = CASE next.status WHEN 'queued' THEN NULL WHEN 'failed' THEN statement_timestamp() + $7
                ELSE statement_timestamp() + $8 END,
                dead_letter_at = CASE next.status WHEN 'dead_letter' THEN statement_timestamp() END,
                dead_letter_reason = CASE next.status WHEN 'dead_letter' THEN CASE f.next
                    WHEN 'reject' THEN 'rejected' WHEN 'fail' THEN '{ReplayFailed}' ELSE 'attempts_exhausted' END END,
                args = CASE WHEN next.status = 'failed' AND j.tool = ANY($9) THEN '{EmptyObject}' ELSE j.args END,
                principal = CASE WHEN next.status = 'failed' AND j.tool = ANY($9) THEN 'erased' ELSE j.principal END,
                lease_expires_at = NULL, updated_at = statement_timestamp()
            FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::interval[]) AS f(id, token, error, fingerprint,
              next, delay)
                JOIN reliability.tool_jobs now USING (id, token)
                CROSS JOIN LATERAL (
                    SELECT CASE
                        WHEN f.next = 'fail' AND now.replay_count = 0 THEN 'failed' WHEN f.next = 'retry' AND now.attempts <
                            now.max_attempts THEN 'queued' ELSE 'dead_letter'
                    END AS status) next
            WHERE j.id = f.id AND j.token = f.token AND j.status = 'running' AND j.lease_expires_at > statement_timestamp()
            RETURNING j.id, j.tool, j.status, j.available_at, j.trace_parent
        ), announced AS (
            INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent) SELECT id, tool, available_at, trace_parent FROM ended
              WHERE status = 'queued'
        )
        SELECT id, status FROM ended
        """;

    /// <summary>$1 job ids, $2 fencing tokens, $3 the delay. Returns the jobs that are queued again.</summary>
    public const string Return = """
        -- return tool jobs
        WITH returned AS (
            UPDATE reliability.tool_jobs j SET
                status = 'queued', attempts = greatest(j.attempts - 1, 0), lease_expires_at = NULL,
                available_at = statement_timestamp() + $3, announced_at = statement_timestamp() + $3, updated_at = statement_timestamp()
            FROM unnest($1::uuid[], $2::bigint[]) AS held(id, token)
            WHERE j.id = held.id AND j.token = held.token AND j.status = 'running'
            RETURNING j.id, j.tool, j.trace_parent, j.available_at
        ), announced AS (
            INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent) SELECT id, tool, available_at, trace_parent
              FROM returned
        )
        SELECT id FROM returned
        """;
}

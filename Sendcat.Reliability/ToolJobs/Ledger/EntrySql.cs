namespace Sendcat.Reliability.ToolJobs.Ledger;

internal static class EntrySql
{
    /// <summary>
    /// $1…$11 are the requested jobs by column (id, tool, class, principal, args, namespace, key, waiters, attempts, trace parent and
    /// state). $12 $13 $14 are their lanes with the cap of each lane and the share of one principal. $15: caps are enforced. $16 is the
    /// fairness step, $17 the maximum retry delay. Returns one row for each request: ordinal, job id or null, true when the job is new and
    /// false when it was joined, over the cap, a message is due.
    /// </summary>
    public const string Enter = $"""
        -- enter tool jobs
        WITH asked AS MATERIALIZED (
            SELECT a.*, EXISTS (
                SELECT FROM reliability.tool_jobs j
                WHERE j.cache_namespace = a.cache_namespace AND j.cache_key = a.cache_key AND j.status IN ('queued', 'running')) AS joins
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::int[],
              $10::text[], $11::text[])
                WITH ORDINALITY AS a(id, tool, qos_class, principal, args, cache_namespace, cache_key, waiters, max_attempts, trace_parent,
                  trace_state, ord)
        ), lanes AS MATERIALIZED (
            -- Counted once for all requests of the statement. A replay that is not yet due does not count.
            -- No retry is due later than the maximum retry delay;
            -- this bound keeps the count from scanning all replays.
            SELECT l.tool, l.cap, l.share, (
                SELECT count(*) FROM (
                    SELECT FROM reliability.tool_jobs j
                    WHERE j.tool = l.tool AND j.status = 'queued'
                        AND j.available_at <= statement_timestamp() + $17
                        AND (j.replay_count = 0 OR j.available_at <= statement_timestamp())
                    LIMIT l.cap) waiting) AS depth
            FROM unnest($12::text[], $13::int[], $14::int[]) AS l(tool, cap, share)
        ), shared AS (
            SELECT a.*, l.cap, l.depth, mine.jobs + greatest(a.nth - 1, 0) AS behind,
              NOT a.joins AND mine.jobs + a.nth > l.share AS over_share
            FROM lanes l JOIN (
                SELECT *, count(*) FILTER (WHERE NOT joins) OVER (PARTITION BY tool, principal ORDER BY ord) AS nth FROM asked) a
                  USING (tool)
            CROSS JOIN LATERAL (
                SELECT count(*) AS jobs FROM (
                    SELECT FROM reliability.tool_jobs j
                    WHERE j.tool = a.tool AND j.principal = a.principal AND j.status IN ('queued', 'running')
                        AND j.available_at <= statement_timestamp() + $17
                        AND (j.replay_count = 0 OR j.available_at <= statement_timestamp())
                    LIMIT 3600) live) mine
        ), placed AS (
            -- A request over its principal's share does not count against the cap of the other requests in the statement.
            SELECT s.*, s.over_share
                OR NOT s.joins AND s.depth
                  + count(*) FILTER (WHERE NOT s.joins AND NOT s.over_share) OVER (PARTITION BY s.tool ORDER BY s.ord) > s.cap AS over_cap
            FROM shared s
        ), entered AS (
            INSERT INTO reliability.tool_jobs AS j
                (id, tool, qos_class, principal, args, cache_namespace, cache_key, waiters, max_attempts, trace_parent, trace_state,
                  over_cap,
                 available_at, fair_at, announced_at, created_at, updated_at)
            SELECT id, tool, qos_class, principal, args, cache_namespace, cache_key, waiters, max_attempts, trace_parent, trace_state,
              over_cap,
                statement_timestamp(), statement_timestamp() + behind * $16, statement_timestamp(), statement_timestamp(),
                statement_timestamp()
            FROM placed WHERE NOT (over_cap AND $15)
            -- A replay that a turn joins becomes due at once. A job that waits for its retry stays delayed.
            ON CONFLICT (cache_namespace, cache_key) WHERE status IN ('queued', 'running') AND cache_key IS NOT NULL
                DO UPDATE SET
                    waiters = j.waiters + excluded.waiters,
                    available_at = least(j.available_at, CASE WHEN {Untried} THEN excluded.available_at END),
                    announced_at = least(j.announced_at, CASE WHEN {Untried} THEN excluded.announced_at END),
                    fair_at = least(j.fair_at, CASE WHEN {Untried} THEN excluded.fair_at END)
            RETURNING j.id, j.tool, j.cache_namespace, j.cache_key, j.trace_parent, j.xmax = 0 AS is_new,
              j.available_at = statement_timestamp() AS is_due
        ), announced AS (
            INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent)
            SELECT id, tool, statement_timestamp(), trace_parent FROM entered WHERE is_due
        )
        SELECT p.ord, e.id, e.is_new, p.over_cap, e.is_due
        FROM placed p LEFT JOIN entered e ON e.id = p.id OR (e.cache_namespace = p.cache_namespace AND e.cache_key = p.cache_key)
        """;

    private const string Untried = "j.replay_count > 0 AND j.attempts = 0 AND j.status = 'queued'";

    /// <summary>
    /// $1 job ids, $2 whether the turn of each was aborted, $3 retention time of a cancelled job. Returns the cancelled jobs and whether
    /// each was running.
    /// </summary>
    public const string Leave = """
        -- leave tool jobs
        WITH leaving AS (
            SELECT l.id, count(*)::int AS leavers, bool_or(l.abandon) AS abandon FROM unnest($1::uuid[], $2::boolean[]) AS l(id, abandon)
            GROUP BY l.id
        ), live AS (
            SELECT j.id, j.status = 'running' AS ran, l.leavers, l.abandon AND j.waiters <= l.leavers AND j.replay_count = 0 AS is_over
            FROM reliability.tool_jobs j JOIN leaving l USING (id)
            WHERE j.status IN ('queued', 'running')
            ORDER BY j.id FOR UPDATE OF j
        ), left_alone AS (
            UPDATE reliability.tool_jobs j SET
                waiters = greatest(j.waiters - l.leavers, 0),
                status = CASE WHEN l.is_over THEN 'cancelled' ELSE j.status END,
                completed_at = CASE WHEN l.is_over THEN statement_timestamp() END,
                expires_at = CASE WHEN l.is_over THEN statement_timestamp() + $3 END,
                lease_expires_at = CASE WHEN l.is_over THEN NULL ELSE j.lease_expires_at END,
                updated_at = statement_timestamp()
            FROM live l WHERE j.id = l.id
        )
        SELECT id, ran FROM live WHERE is_over
        """;
}

namespace Sendcat.Reliability.ToolJobs;

internal static class EntrySql
{
    /// <summary>
    /// $1…$11 the asked jobs by column (id, tool, class, principal, args, namespace, key, waiters, attempts, trace parent and state), $12 $13 the lanes in them with their
    /// caps, $14 whether caps refuse, $15 a turn. Answers (ordinal, job id or null, entered rather than joined, over the cap).
    /// </summary>
    public const string Enter = """
        WITH asked AS MATERIALIZED (
            SELECT a.*, EXISTS (
                SELECT FROM reliability.tool_jobs j
                WHERE j.cache_namespace = a.cache_namespace AND j.cache_key = a.cache_key AND j.status IN ('queued', 'running')) AS joins
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::int[], $10::text[], $11::text[])
                WITH ORDINALITY AS a(id, tool, qos_class, principal, args, cache_namespace, cache_key, waiters, max_attempts, trace_parent, trace_state, ord)
        ), lanes AS MATERIALIZED (
            -- Counted once for all that are asked together. A replay whose time has not come takes nobody's place.
            SELECT l.tool, l.cap, (
                SELECT count(*) FROM (
                    SELECT FROM reliability.tool_jobs j
                    WHERE j.tool = l.tool AND j.status = 'queued' AND (j.replay_count = 0 OR j.available_at <= statement_timestamp())
                    LIMIT l.cap) waiting) AS depth
            FROM unnest($12::text[], $13::int[]) AS l(tool, cap)
        ), placed AS (
            SELECT a.*,
                NOT a.joins AND l.depth + count(*) FILTER (WHERE NOT a.joins) OVER (PARTITION BY a.tool ORDER BY a.ord) > l.cap AS over_cap,
                (SELECT count(*) FROM (
                    SELECT FROM reliability.tool_jobs j
                    WHERE j.tool = a.tool AND j.principal = a.principal AND j.status IN ('queued', 'running')
                    LIMIT 3600) live) + row_number() OVER (PARTITION BY a.tool, a.principal ORDER BY a.ord) - 1 AS behind
            FROM asked a JOIN lanes l USING (tool)
        ), entered AS (
            INSERT INTO reliability.tool_jobs AS j
                (id, tool, qos_class, principal, args, cache_namespace, cache_key, waiters, max_attempts, trace_parent, trace_state, over_cap,
                 available_at, fair_at, announced_at, created_at, updated_at)
            SELECT id, tool, qos_class, principal, args, cache_namespace, cache_key, waiters, max_attempts, trace_parent, trace_state, over_cap,
                statement_timestamp(), statement_timestamp() + behind * $15, statement_timestamp(), statement_timestamp(), statement_timestamp()
            FROM placed WHERE NOT (over_cap AND $14)
            ON CONFLICT (cache_namespace, cache_key) WHERE status IN ('queued', 'running') AND cache_key IS NOT NULL
                DO UPDATE SET waiters = j.waiters + excluded.waiters
            RETURNING j.id, j.tool, j.cache_namespace, j.cache_key, j.trace_parent, j.xmax = 0 AS is_new
        ), announced AS (
            INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent)
            SELECT id, tool, statement_timestamp(), trace_parent FROM entered WHERE is_new
        )
        SELECT p.ord, e.id, e.is_new, p.over_cap
        FROM placed p LEFT JOIN entered e ON e.id = p.id OR (e.cache_namespace = p.cache_namespace AND e.cache_key = p.cache_key)
        """;

    /// <summary>$1 jobs, $2 whether each leaver gives the job up, $3 how long a cancelled job is kept. Answers the cancelled jobs with whether they ran.</summary>
    public const string Leave = """
        WITH leaving AS (
            SELECT l.id, count(*)::int AS leavers, bool_or(l.abandon) AS abandon FROM unnest($1::uuid[], $2::boolean[]) AS l(id, abandon) GROUP BY l.id
        ), live AS (
            SELECT j.id, j.status = 'running' AS ran, l.leavers, l.abandon AND j.waiters <= l.leavers AND j.replay_count = 0 AS over
            FROM reliability.tool_jobs j JOIN leaving l USING (id)
            WHERE j.status IN ('queued', 'running')
            ORDER BY j.id FOR UPDATE OF j
        ), left_alone AS (
            UPDATE reliability.tool_jobs j SET
                waiters = greatest(j.waiters - l.leavers, 0),
                status = CASE WHEN l.over THEN 'cancelled' ELSE j.status END,
                completed_at = CASE WHEN l.over THEN statement_timestamp() END,
                expires_at = CASE WHEN l.over THEN statement_timestamp() + $3 END,
                lease_expires_at = CASE WHEN l.over THEN NULL ELSE j.lease_expires_at END,
                updated_at = statement_timestamp()
            FROM live l WHERE j.id = l.id
        )
        SELECT id, ran FROM live WHERE over
        """;
}

namespace Sendcat.Reliability.Idempotency;

internal static class InboxSql
{
    /// <summary>
    /// What a key that is known becomes. An expired key that is not yet deleted counts as new. A hit does not extend the lifetime: it is
    /// counted from the first delivery.
    /// </summary>
    private const string OnKnownKey = """
        ON CONFLICT (scope, key) DO UPDATE SET
            delivery_id = CASE WHEN i.expires_at > statement_timestamp() THEN i.delivery_id ELSE excluded.delivery_id END,
            job_id = CASE WHEN i.expires_at > statement_timestamp() THEN i.job_id ELSE excluded.job_id END,
            hit_count = CASE WHEN i.expires_at > statement_timestamp() THEN i.hit_count ELSE 0 END + excluded.hit_count,
            first_seen_at = CASE WHEN i.expires_at > statement_timestamp() THEN i.first_seen_at ELSE excluded.first_seen_at END,
            last_seen_at = excluded.last_seen_at,
            expires_at = CASE WHEN i.expires_at > statement_timestamp() THEN i.expires_at ELSE excluded.expires_at END
        """;

    /// <summary>
    /// $1…$13 are the entries by column: scope, key, lifetime, hits, id of the job, tool, class, principal, arguments, attempts, trace
    /// parent and state, coalesces. No key stands twice in it. Returns one row for each entry: ordinal, whether the key was new, whether
    /// its failed job is queued again, hits, time of the first delivery. A job that no longer exists is done: dead letters are kept for at
    /// least a week.
    /// </summary>
    public const string Receive = $"""
        -- receive deliveries
        WITH asked AS MATERIALIZED (
            SELECT a.*, coalesce(
                CASE WHEN a.coalesces THEN coalesce(
                    (SELECT j.id FROM reliability.tool_jobs j
                      WHERE j.tool = a.tool AND j.principal = a.principal AND j.status = 'queued' LIMIT 1),
                    first_value(a.id) OVER (PARTITION BY a.tool, a.principal, a.coalesces ORDER BY a.scope, a.key)) END, a.id) AS job_id
            FROM unnest($1::text[], $2::text[], $3::interval[], $4::int[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
                $10::int[], $11::text[], $12::text[], $13::boolean[]) WITH ORDINALITY
                AS a(scope, key, lifetime, hits, id, tool, qos_class, principal, args, max_attempts, trace_parent, trace_state, coalesces,
                    ord)
        ), known AS (
            -- In the order of the keys, so that two statements never wait for each other.
            INSERT INTO reliability.webhook_inbox AS i (scope, key, delivery_id, job_id, hit_count, first_seen_at, last_seen_at, expires_at)
            SELECT scope, key, id, job_id, hits, statement_timestamp(), statement_timestamp(), statement_timestamp() + lifetime FROM asked
            ORDER BY scope, key
            {OnKnownKey}
            RETURNING i.scope, i.key, i.delivery_id, i.job_id, i.hit_count, i.first_seen_at
        ), received AS (
            SELECT a.*, k.delivery_id = a.id AS is_new, k.job_id AS known_job, k.hit_count, k.first_seen_at FROM asked a
              JOIN known k USING (scope, key)
        ), fresh AS (
            -- The first new one of coalescing entries may stand behind a known one that has the same job.
            SELECT DISTINCT ON (job_id) * FROM received r
            WHERE is_new AND (NOT coalesces OR NOT EXISTS (SELECT FROM reliability.tool_jobs j WHERE j.id = r.job_id))
            ORDER BY job_id, scope, key
        ), retried AS (
            UPDATE reliability.tool_jobs j SET
                status = 'queued', attempts = 0, replay_count = j.replay_count + 1, principal = r.principal, args = r.args,
                available_at = statement_timestamp(), announced_at = statement_timestamp(), fair_at = statement_timestamp(),
                completed_at = NULL, expires_at = NULL, dead_letter_at = NULL, dead_letter_reason = NULL, updated_at = statement_timestamp()
            FROM received r WHERE NOT r.is_new AND j.id = r.known_job AND j.status IN ('failed', 'dead_letter')
            RETURNING j.id, j.tool, j.trace_parent
        ), entered AS (
            INSERT INTO reliability.tool_jobs
                (id, tool, qos_class, principal, args, max_attempts, trace_parent, trace_state, available_at, fair_at, announced_at,
                created_at, updated_at)
            SELECT f.job_id, f.tool, f.qos_class, f.principal, f.args, f.max_attempts, f.trace_parent, f.trace_state, statement_timestamp(),
                statement_timestamp()
                    + INTERVAL '1 second' * (live.jobs + row_number() OVER (PARTITION BY f.tool, f.principal ORDER BY f.ord) - 1),
                statement_timestamp(), statement_timestamp(), statement_timestamp()
            FROM fresh f CROSS JOIN LATERAL (
                SELECT count(*) AS jobs FROM (
                    SELECT FROM reliability.tool_jobs j WHERE j.tool = f.tool AND j.principal = f.principal
                      AND j.status IN ('queued', 'running') LIMIT 3600) counted) live
            RETURNING id, tool, trace_parent
        ), woken AS (
            -- A job that waits without a failure, for example for a model, runs now. Whoever has locked it claims or wakes it.
            UPDATE reliability.tool_jobs j SET
                available_at = statement_timestamp(), announced_at = statement_timestamp(), updated_at = statement_timestamp()
            WHERE j.id = ANY(ARRAY(
                SELECT w.id FROM received r JOIN reliability.tool_jobs w ON w.id = r.job_id
                WHERE r.is_new AND r.coalesces
                    AND w.status = 'queued' AND w.attempts = 0 AND w.available_at > statement_timestamp()
                FOR UPDATE OF w SKIP LOCKED))
            RETURNING j.id, j.tool, j.trace_parent
        ), announced AS (
            INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent)
            SELECT id, tool, statement_timestamp(), trace_parent FROM (
                SELECT * FROM entered UNION ALL SELECT * FROM retried UNION ALL SELECT * FROM woken) due
        )
        SELECT r.ord, r.is_new, EXISTS (SELECT FROM retried t WHERE t.id = r.known_job) AND NOT r.is_new, r.hit_count, r.first_seen_at
        FROM received r
        """;

    /// <summary>
    /// $1 scope, $2 key, $3 id of the delivery, $4 lifetime. Returns whether the key was new, hits, time of the first delivery.
    /// </summary>
    public const string Claim = $"""
        -- claim inbox key
        INSERT INTO reliability.webhook_inbox AS i (scope, key, delivery_id, hit_count, first_seen_at, last_seen_at, expires_at)
        VALUES ($1, $2, $3, 1, statement_timestamp(), statement_timestamp(), statement_timestamp() + $4)
        {OnKnownKey}
        RETURNING i.delivery_id = $3, i.hit_count, i.first_seen_at
        """;

    /// <summary>
    /// $1 scope, $2 key. Counts a delivery of a known key; returns hits and time of the first delivery, nothing for an unknown one.
    /// </summary>
    public const string Repeat = """
        -- repeat inbox key
        UPDATE reliability.webhook_inbox SET hit_count = hit_count + 1, last_seen_at = statement_timestamp()
        WHERE scope = $1 AND key = $2 AND expires_at > statement_timestamp()
        RETURNING hit_count, first_seen_at
        """;

    /// <summary>
    /// $1 scope, $2 key or null, $3 $4 time and delivery of the last row of the previous page or null, $5 maximum number of rows.
    /// </summary>
    public const string ListRecent = """
        -- list inbox keys
        SELECT i.delivery_id, i.key, i.hit_count, i.first_seen_at, i.last_seen_at, i.expires_at, i.job_id, j.status
        FROM reliability.webhook_inbox i LEFT JOIN reliability.tool_jobs j ON j.id = i.job_id
        WHERE i.scope = $1 AND ($2::text IS NULL OR i.key = $2) AND ($3::timestamptz IS NULL OR (i.first_seen_at, i.delivery_id) < ($3, $4))
        ORDER BY i.first_seen_at DESC, i.delivery_id DESC LIMIT $5
        """;

    /// <summary>$1 maximum number of rows.</summary>
    public const string CleanUp = """
        -- delete expired inbox keys
        DELETE FROM reliability.webhook_inbox WHERE (scope, key) IN (
            SELECT scope, key FROM reliability.webhook_inbox WHERE expires_at <= statement_timestamp()
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        """;
}

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>
/// Statements with a filter have the same first parameters: $1 tool, $2 fingerprint, $3 job ids, $4 latest time, $5 principal, $6 words of
/// the arguments as a text search query, $7 earliest time (each may be null), $8 maximum number of rows.
/// </summary>
internal static class DeadLetterSql
{
    public const string Groups = """
        -- group dead letters
        SELECT tool, error_fingerprint, dead_letter_reason, (array_agg(last_error ORDER BY dead_letter_at DESC))[1], count(*)::int,
          min(dead_letter_at), max(dead_letter_at)
        FROM reliability.tool_jobs WHERE status = 'dead_letter'
        GROUP BY tool, error_fingerprint, dead_letter_reason
        ORDER BY 5 DESC, 1, 2
        """;

    /// <summary>Counts all that match: $8 is not used.</summary>
    public const string Count = $"""
        -- count dead letters
        SELECT count(*)::int FROM reliability.tool_jobs WHERE {Filter}
        """;

    /// <summary>$9 $10 are time and id of the last dead letter of the previous page, or null.</summary>
    public const string List = $"""
        -- list dead letters
        WITH page AS MATERIALIZED (
            SELECT id FROM reliability.tool_jobs WHERE {Filter} AND ($9::timestamptz IS NULL OR (dead_letter_at, id) < ($9, $10))
            ORDER BY {Age} DESC, id DESC LIMIT $8
        )
        SELECT id, tool, args, dead_letter_reason, error_fingerprint, last_error, attempts, replay_count, created_at, dead_letter_at,
          history::text, principal
        FROM reliability.tool_jobs WHERE id = ANY(ARRAY(SELECT id FROM page)) ORDER BY dead_letter_at DESC, id DESC
        """;

    /// <summary>
    /// $9 dry run, $10 interval between two jobs of a tool, $11 actor, $12 the filter as text, $13 the reason. Returns (matched, job ids,
    /// skipped, last due time).
    /// </summary>
    public const string Requeue = $"""
        -- requeue dead letters
        WITH meant AS (
            SELECT id, tool, cache_namespace, cache_key, dead_letter_at FROM reliability.tool_jobs WHERE {Filter}
            ORDER BY {Age} LIMIT $8 FOR UPDATE
        ), free AS (
            SELECT DISTINCT ON (coalesce(m.cache_namespace || E'\n' || m.cache_key, m.id::text)) m.* FROM meant m
            WHERE m.cache_key IS NULL OR NOT EXISTS (
                SELECT FROM reliability.tool_jobs j
                WHERE j.cache_namespace = m.cache_namespace AND j.cache_key = m.cache_key AND j.status IN ('queued', 'running'))
            ORDER BY coalesce(m.cache_namespace || E'\n' || m.cache_key, m.id::text), m.dead_letter_at
        ), earlier AS MATERIALIZED (
            SELECT tool, max(available_at) AS last_at FROM reliability.tool_jobs WHERE status = 'queued' AND replay_count > 0 GROUP BY tool
        ), spaced AS (
            SELECT f.id,
                greatest(statement_timestamp(), e.last_at + $10)
                  + (row_number() OVER (PARTITION BY f.tool ORDER BY f.dead_letter_at, f.id) - 1) * $10 AS due_at
            FROM free f LEFT JOIN earlier e USING (tool)
        ), requeued AS (
            UPDATE reliability.tool_jobs j SET
                status = 'queued', attempts = 0, replay_count = j.replay_count + 1, waiters = 0,
                available_at = s.due_at, announced_at = s.due_at, fair_at = s.due_at + INTERVAL '30 seconds',
                completed_at = NULL, expires_at = NULL, dead_letter_at = NULL, dead_letter_reason = NULL, change_id = NULL,
                updated_at = statement_timestamp()
            FROM spaced s WHERE j.id = s.id AND NOT $9
            RETURNING j.id, j.tool, j.trace_parent, s.due_at
        ), announced AS (
            INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent) SELECT id, tool, due_at, trace_parent FROM requeued
        ), audited AS (
            INSERT INTO reliability.operator_audit (actor, action, target, after, created_at, reason)
            SELECT $11, 'dlq.requeue', $12, format('%s requeued, %s skipped', (SELECT count(*) FROM spaced),
              (SELECT count(*) FROM meant) - (SELECT count(*) FROM spaced)), statement_timestamp(), $13
            WHERE NOT $9
        )
        SELECT (SELECT count(*)::int FROM meant), (SELECT coalesce(array_agg(id ORDER BY due_at), ARRAY[]::uuid[]) FROM spaced),
            (SELECT count(*)::int FROM meant) - (SELECT count(*)::int FROM spaced), (SELECT max(due_at) FROM spaced)
        """;

    /// <summary>
    /// $9 dry run, $10 retention time, $11 actor, $12 the filter as text, $13 the lanes whose arguments are erased, $14 the
    /// reason. Returns (matched, job ids, 0, null).
    /// </summary>
    public const string Discard = $"""
        -- discard dead letters
        WITH meant AS (
            SELECT id FROM reliability.tool_jobs WHERE {Filter} ORDER BY {Age} LIMIT $8 FOR UPDATE
        ), discarded AS (
            UPDATE reliability.tool_jobs j SET
                status = 'cancelled', expires_at = statement_timestamp() + $10, updated_at = statement_timestamp(),
                args = CASE WHEN j.tool = ANY($13) THEN jsonb_build_object()::text ELSE j.args END,
                principal = CASE WHEN j.tool = ANY($13) THEN 'erased' ELSE j.principal END
            FROM meant m WHERE j.id = m.id AND NOT $9
        ), audited AS (
            INSERT INTO reliability.operator_audit (actor, action, target, after, created_at, reason)
            SELECT $11, 'dlq.discard', $12, format('%s discarded', (SELECT count(*) FROM meant)), statement_timestamp(), $14 WHERE NOT $9
        )
        SELECT count(*)::int, coalesce(array_agg(id), ARRAY[]::uuid[]), 0, NULL::timestamptz FROM meant
        """;

    /// <summary>
    /// The order by age. With words, it is no order of an index: the planner does not know how rare a word is, and would walk over the
    /// letters in the order of an index until it has found enough, instead of finding them by their words.
    /// </summary>
    public const string Age = "CASE WHEN $6::text IS NULL THEN dead_letter_at ELSE dead_letter_at + INTERVAL '0' END";

    /// <summary>
    /// Until the end of the transaction, statements are planned for the filters that are given. A prepared statement could get a plan for
    /// unknown ones, which uses no index. (SET LOCAL would warn in a batch.)
    /// </summary>
    public const string PlanForFilter = """
        -- plan for filter
        DO 'BEGIN PERFORM set_config(''plan_cache_mode'', ''force_custom_plan'', true); END'
        """;

    public const string Filter = """
        status = 'dead_letter' AND ($1::text IS NULL OR tool = $1) AND ($2::text IS NULL OR error_fingerprint = $2)
            AND ($3::uuid[] IS NULL OR id = ANY($3)) AND ($4::timestamptz IS NULL OR dead_letter_at < $4)
            AND ($5::text IS NULL OR principal = $5) AND ($6::text IS NULL OR reliability.words_of(args) @@ to_tsquery('simple', $6))
            AND ($7::timestamptz IS NULL OR dead_letter_at >= $7)
        """;
}

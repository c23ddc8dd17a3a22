using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.Reliability.ToolJobs.Bulk;

/// <summary>Statements with a filter have the parameters $1 to $8 of <see cref="DeadLetterSql"/>.</summary>
internal static class BulkSql
{
    public const string Columns =
        "id, action, state, cancelled, target, force, matched, changed, skipped, whole, partial, pending, waits_for, "
        + "actor, reason, created_at, ended_at";

    /// <summary>
    /// $9 the expected number of letters, $10 id, $11 action, $12 the filter as text, $13 force, $14 actor, $15 the reason. Returns how
    /// many letters match; the change is inserted when that is the expected number, and not zero.
    /// </summary>
    public const string Create = $"""
        -- create bulk change
        WITH matching AS (
            SELECT count(*)::int AS letters FROM reliability.tool_jobs WHERE {DeadLetterSql.Filter}
        ), audited AS (
            INSERT INTO reliability.operator_audit (actor, action, target, created_at, reason)
            SELECT $14, 'dlq.' || $11 || '_all', $12, statement_timestamp(), $15 FROM matching WHERE letters = $9 AND letters > 0
            RETURNING id
        ), created AS (
            INSERT INTO reliability.dead_letter_changes
                (id, action, tool, fingerprint, job_ids, died_before, principal, words, died_after, target, force, matched, actor, reason,
                audit_id, created_at, updated_at)
            SELECT $10, $11, $1, $2, $3, least($4, statement_timestamp()), $5, $6, $7, $12, $13, m.letters, $14, $15, a.id,
                statement_timestamp(), statement_timestamp()
            FROM audited a CROSS JOIN matching m
        )
        SELECT letters FROM matching
        """;

    /// <summary>
    /// $1 the changes that this round has had already. Locks the oldest other one that is running, so that one replica works on it at a
    /// time.
    /// </summary>
    public const string Next = $"""
        -- take bulk change
        SELECT {Columns}, tool, fingerprint, job_ids, died_before, principal, words, died_after FROM reliability.dead_letter_changes
        WHERE state = 'running' AND NOT id = ANY($1) ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
        """;

    private const string Unhandled = $"{DeadLetterSql.Filter} AND change_id IS DISTINCT FROM $9 AND skipped_by IS DISTINCT FROM $9";

    /// <summary>
    /// Letters that an older change has skipped, which goes on. A younger one waits for its end: otherwise the two would skip the same
    /// letters again and again, and count them each time.
    /// </summary>
    private const string SkippedByOlder =
        "EXISTS (SELECT FROM reliability.dead_letter_changes o WHERE o.id = skipped_by AND o.id < $9 AND o.state = 'running')";

    /// <summary>$9 the change. Whether letters are left that an older change has skipped, which goes on.</summary>
    public const string LeftToOlder = $"""
        -- find letters of older change
        SELECT count(*) > 0 FROM reliability.tool_jobs WHERE {Unhandled} AND {SkippedByOlder}
        """;

    /// <summary>$9 the change. Whether letters are left that the change has not handled.</summary>
    public const string Left = $"""
        -- find letters of bulk change
        SELECT count(*) > 0 FROM reliability.tool_jobs WHERE {Unhandled}
        """;

    /// <summary>
    /// $8 maximum number of rows, $9 the change, $10 interval between two jobs of the tool, $11 the jobs become due at most so far ahead.
    /// The filter names one tool. Returns (letters that this statement could take, letters found, letters requeued). A letter stays dead
    /// when its cache slot has a live job; of several with the same slot only the oldest is requeued.
    /// </summary>
    public const string Requeue = $"""
        -- requeue letters of bulk change
        WITH earlier AS MATERIALIZED (
            -- A retry or a postponed job that is due later does not delay the replay.
            SELECT greatest(statement_timestamp(), max(available_at) + $10) AS next_at FROM reliability.tool_jobs
            WHERE tool = $1 AND status = 'queued' AND replay_count > 0 AND attempts = 0
              AND available_at <= statement_timestamp() + $11 + $10
        ), room AS MATERIALIZED (
            SELECT least($8, greatest(0, ceil(
                extract(epoch FROM statement_timestamp() + $11 - next_at) / extract(epoch FROM $10))))::int AS letters
            FROM earlier
        ), meant AS (
            SELECT id, cache_namespace, cache_key, dead_letter_at FROM reliability.tool_jobs
            WHERE {Unhandled} AND NOT {SkippedByOlder} ORDER BY {DeadLetterSql.Age}, id LIMIT (SELECT letters FROM room) FOR UPDATE
        ), free AS (
            SELECT DISTINCT ON (coalesce(m.cache_namespace || E'\n' || m.cache_key, m.id::text)) m.* FROM meant m
            WHERE m.cache_key IS NULL OR NOT EXISTS (
                SELECT FROM reliability.tool_jobs j
                WHERE j.cache_namespace = m.cache_namespace AND j.cache_key = m.cache_key AND j.status IN ('queued', 'running'))
            ORDER BY coalesce(m.cache_namespace || E'\n' || m.cache_key, m.id::text), m.dead_letter_at
        ), spaced AS (
            SELECT f.id, e.next_at + (row_number() OVER (ORDER BY f.dead_letter_at, f.id) - 1) * $10 AS due_at
            FROM free f CROSS JOIN earlier e
        ), requeued AS (
            UPDATE reliability.tool_jobs j SET
                status = 'queued', attempts = 0, replay_count = j.replay_count + 1, waiters = 0, change_id = $9,
                available_at = s.due_at, announced_at = s.due_at, fair_at = s.due_at + INTERVAL '30 seconds',
                completed_at = NULL, expires_at = NULL, dead_letter_at = NULL, dead_letter_reason = NULL, updated_at = statement_timestamp()
            FROM spaced s WHERE j.id = s.id
            RETURNING j.id, j.tool, j.trace_parent, s.due_at
        ), announced AS (
            INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent) SELECT id, tool, due_at, trace_parent FROM requeued
        ), skipped AS (
            UPDATE reliability.tool_jobs j SET skipped_by = $9 FROM meant m
            WHERE j.id = m.id AND NOT EXISTS (SELECT FROM spaced s WHERE s.id = m.id)
        )
        SELECT (SELECT letters FROM room), (SELECT count(*)::int FROM meant), (SELECT count(*)::int FROM spaced)
        """;

    /// <summary>
    /// $9 the change, $10 retention time, $11 the lanes whose arguments are erased. Returns (rows, letters found, letters discarded).
    /// </summary>
    public const string Discard = $"""
        -- discard letters of bulk change
        WITH meant AS (
            SELECT id FROM reliability.tool_jobs WHERE {Unhandled} ORDER BY {DeadLetterSql.Age}, id LIMIT $8 FOR UPDATE
        ), discarded AS (
            UPDATE reliability.tool_jobs j SET
                status = 'cancelled', expires_at = statement_timestamp() + $10, updated_at = statement_timestamp(), change_id = $9,
                args = CASE WHEN j.tool = ANY($11) THEN jsonb_build_object()::text ELSE j.args END,
                principal = CASE WHEN j.tool = ANY($11) THEN 'erased' ELSE j.principal END
            FROM meant m WHERE j.id = m.id
        )
        SELECT $8, count(*)::int, count(*)::int FROM meant
        """;

    /// <summary>What is known of the change c, for its audit row.</summary>
    private const string Result = """
        CASE c.action WHEN 'discard' THEN format('%s discarded', c.changed)
            ELSE format('%s requeued, %s skipped: %s whole, %s partial, %s failed, %s pending', c.changed, c.skipped, c.whole, c.partial,
                greatest(c.changed - c.whole - c.partial - c.pending, 0), c.pending) END
            || CASE WHEN c.cancelled THEN ', cancelled' ELSE '' END
        """;

    /// <summary>$1 the change, $2 letters changed, $3 letters skipped, $4 the provider that it waits for, $5 the next state.</summary>
    public const string Advance = $"""
        -- advance bulk change
        WITH now_known AS (
            UPDATE reliability.dead_letter_changes SET
                changed = changed + $2, skipped = skipped + $3, pending = CASE WHEN action = 'requeue' THEN pending + $2 ELSE 0 END,
                waits_for = $4, state = $5,
                updated_at = statement_timestamp(), ended_at = CASE WHEN $5 = 'done' THEN statement_timestamp() END
            WHERE id = $1 RETURNING *
        )
        UPDATE reliability.operator_audit a SET after = {Result} FROM now_known c WHERE a.id = c.audit_id
        """;

    /// <summary>Locks the changes with jobs that may not have ended.</summary>
    public const string Active = """
        -- lock active bulk changes
        SELECT id FROM reliability.dead_letter_changes WHERE state IN ('running', 'settling') AND action = 'requeue'
        ORDER BY id FOR UPDATE SKIP LOCKED
        """;

    /// <summary>
    /// $1 the locked changes. Counts what became of the requeued letters. A change whose letters have all ended is done. What another
    /// change has requeued since, has failed in this one.
    /// </summary>
    public const string Settle = $"""
        -- settle bulk changes
        WITH counted AS (
            SELECT a.id, count(j.id) FILTER (WHERE j.status = 'completed' AND NOT j.is_partial)::int AS whole,
                count(j.id) FILTER (WHERE j.status = 'completed' AND j.is_partial
                    OR j.status = 'dead_letter' AND j.dead_letter_reason = '{LeaseSql.PartialResult}')::int AS partial, count(j.id) FILTER
                        (WHERE j.status IN ('queued', 'running'))::int AS pending
            FROM unnest($1::uuid[]) a(id) LEFT JOIN reliability.tool_jobs j ON j.change_id = a.id GROUP BY a.id
        ), now_known AS (
            UPDATE reliability.dead_letter_changes c SET
                whole = greatest(c.whole, n.whole), partial = greatest(c.partial, n.partial), pending = n.pending,
                updated_at = statement_timestamp(),
                state = CASE WHEN c.state = 'settling' AND n.pending = 0 THEN 'done' ELSE c.state END,
                ended_at = CASE WHEN c.state = 'settling' AND n.pending = 0 THEN statement_timestamp() END
            FROM counted n
            WHERE c.id = n.id
                AND (c.state = 'settling' AND n.pending = 0 OR c.pending <> n.pending OR c.whole < n.whole OR c.partial < n.partial)
            RETURNING c.*
        )
        UPDATE reliability.operator_audit a SET after = {Result} FROM now_known c WHERE a.id = c.audit_id
        """;

    /// <summary>$1 id. Returns a row when the change was running. Jobs that are queued already run.</summary>
    public const string Cancel = $"""
        -- cancel bulk change
        WITH now_known AS (
            UPDATE reliability.dead_letter_changes SET cancelled = true, waits_for = NULL, updated_at = statement_timestamp(),
                state = CASE action WHEN 'requeue' THEN 'settling' ELSE 'done' END,
                ended_at = CASE action WHEN 'discard' THEN statement_timestamp() END
            WHERE id = $1 AND state = 'running' RETURNING *
        )
        UPDATE reliability.operator_audit a SET after = {Result} FROM now_known c WHERE a.id = c.audit_id RETURNING a.id
        """;

    public const string Find = $"""
        -- find bulk change
        SELECT {Columns} FROM reliability.dead_letter_changes WHERE id = $1
        """;

    /// <summary>$1 $2 are time and id of the last change of the previous page, or null. $3 most rows.</summary>
    public const string List = $"""
        -- list bulk changes
        SELECT {Columns} FROM reliability.dead_letter_changes WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2)
        ORDER BY created_at DESC, id DESC LIMIT $3
        """;

    /// <summary>Deletes old changes.</summary>
    public const string Remove = """
        -- remove old bulk changes
        DELETE FROM reliability.dead_letter_changes WHERE ended_at < statement_timestamp() - INTERVAL '30 days'
        """;
}

using Npgsql;

using static Sendcat.ApiService.Chat.Record.CommitColumns;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>The statements of a <see cref="TurnJournalCommit"/> on stream sessions.</summary>
internal static class SessionStatements
{
    public const string UnchangedSessions = """
        -- check stream sessions
        SELECT id, status FROM stream_sessions WHERE id = ANY($1)
        """;

    // Runs when the message of a turn gets another one, before its answer is replaced. A turn that should have replaced an answer and had
    // no content left no message, and one whose answer was replaced has none any more, so nothing else deletes their sessions.
    // $4: readers of the thread's events have been notified of the end of failed turns before. $5: repetitions of requests whose answer was
    // replaced before do not come.
    private const string OldReplacements = """
        -- delete old replacements
        DELETE FROM stream_sessions s USING unnest($1, $2, $3) AS u(thread_id, asked, stream)
        WHERE s.thread_id = u.thread_id AND s.user_message_id = u.asked AND s.id <> u.stream
          AND CASE WHEN s.status IN ('error', 'aborted') THEN s.ended_at < $4 ELSE coalesce(s.last_heartbeat, s.ended_at) < $5 END
          AND s.status <> 'streaming'
          AND (SELECT m.id FROM messages m WHERE m.id = s.message_id) IS NULL
        """;

    private static readonly TimeSpan FailedReplacementAge = TimeSpan.FromMinutes(1);

    // The ids of turns begin with their time, so only some days are read. $3: as $5 above. Rows that a commit has locked wait for the next
    // round.
    /// <summary>
    /// Deletes sessions of turns that started after <c>$1</c> and before <c>$2</c>, both as version 7 UUIDs, and whose answer was replaced
    /// before <c>$3</c>, or that failed without one; at most <c>$4</c> of them.
    /// </summary>
    public const string Sweep = """
        -- remove replaced turns
        DELETE FROM stream_sessions WHERE id IN (
          SELECT s.id FROM stream_sessions s
          WHERE s.id > $1 AND s.id < $2 AND s.status <> 'streaming' AND coalesce(s.last_heartbeat, s.ended_at) < $3
            AND NOT EXISTS (SELECT FROM messages m WHERE m.id = s.message_id)
          ORDER BY s.id LIMIT $4 FOR UPDATE SKIP LOCKED)
        """;

    /// <summary>How long the session of a turn stays after its answer was replaced.</summary>
    public static readonly TimeSpan ReplacedTurnAge = TimeSpan.FromDays(1);

    // Runs after the messages are inserted. Without the required one, the message that the turn answers was deleted or edited before; or
    // another turn has inserted it, if this one brings it.
    private static readonly string NewSessions = $"""
        -- open stream sessions
        WITH turns AS (
          SELECT u.*, {IsOnlyTurn("$14")} AND (NOT u.brings_message OR (SELECT m.id FROM messages m WHERE m.id = u.requires) IS NOT NULL
            OR (SELECT s.id FROM stream_sessions s WHERE s.id = u.stream) IS NOT NULL) AS is_only_turn
          FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $11, $12, $13, $15, $16, $17, $18, $19, $20, $21)
            AS u(stream, thread_id, message_id, user_message_id, principal, status, started_at, ended_at, requires, requires_text,
              one_turn_of, brings_message, requires_files, prompt_tokens, completion_tokens, cost,
              trace_id, trail)
          WHERE EXISTS (SELECT 1 FROM threads t WHERE t.id = u.thread_id)
        ), opened AS (
          INSERT INTO stream_sessions (id, thread_id, message_id, user_message_id, replica_id, principal, status, started_at, ended_at,
            last_heartbeat, prompt_tokens, completion_tokens, cost_micro_usd, trace_id, trail)
          SELECT u.stream, u.thread_id, u.message_id, u.user_message_id, $9, u.principal,
            CASE WHEN u.requires IS NULL
              OR EXISTS (SELECT 1 FROM messages m WHERE m.id = u.requires
                AND (u.requires_text IS NULL OR (m.content = u.requires_text AND m.attachments IS NOT DISTINCT FROM u.requires_files)))
              THEN u.status ELSE 'aborted' END, u.started_at, u.ended_at, $10, u.prompt_tokens, u.completion_tokens, u.cost,
              u.trace_id, u.trail
          FROM turns u WHERE u.is_only_turn
          ON CONFLICT (id) DO UPDATE SET
            message_id = excluded.message_id, ended_at = excluded.ended_at, last_heartbeat = excluded.last_heartbeat,
            prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens,
            cost_micro_usd = excluded.cost_micro_usd, trail = coalesce(excluded.trail, stream_sessions.trail),
            status = CASE WHEN stream_sessions.status = 'aborted' THEN 'aborted' ELSE excluded.status END
          WHERE stream_sessions.status IN ('streaming', 'aborted')
          RETURNING id, status
        )
        SELECT id, status FROM opened UNION ALL SELECT u.stream, '{TurnJournalCommit.Repeated}' FROM turns u WHERE NOT u.is_only_turn
        """;

    // Runs after the messages are inserted. Without the required one, the message that the turn answers, or its own, was deleted. A scalar
    // subquery for the reason above.
    private const string KnownSessions = """
        -- update stream sessions
        UPDATE stream_sessions s SET
          message_id = u.message_id, ended_at = u.ended_at, last_heartbeat = $5,
          prompt_tokens = u.prompt_tokens, completion_tokens = u.completion_tokens, cost_micro_usd = u.cost,
          trail = coalesce(u.trail, s.trail),
          status = CASE WHEN s.status = 'aborted'
            OR (u.requires IS NOT NULL AND (SELECT m.id FROM messages m WHERE m.id = u.requires) IS NULL)
            THEN 'aborted' ELSE u.status END
        FROM unnest($1, $2, $3, $4, $6, $7, $8, $9, $10)
          AS u(id, message_id, status, ended_at, requires, prompt_tokens, completion_tokens, cost, trail)
        WHERE s.id = u.id AND s.status IN ('streaming', 'aborted')
        RETURNING s.id, s.status
        """;

    // Whether a new turn (u) is the only one of its message, on replicas that live: see RunningTurns.MaxHeartbeatAge. True for a turn whose
    // session an earlier attempt of the same commit has inserted. The commits of a thread run one after the other, because each of them
    // locks the row of the thread in an earlier statement. The parameter is the maximum age of a heartbeat. Scalar subqueries, because the
    // plan of an EXISTS may hash all sessions.
    public static string IsOnlyTurn(string parameter) => $"""
        (u.one_turn_of IS NULL OR coalesce((
          SELECT bool_or(o.id = u.stream) FROM stream_sessions o
          WHERE o.thread_id = u.thread_id AND o.status = 'streaming' AND (o.id = u.stream OR (o.user_message_id = u.one_turn_of
            AND (SELECT r.last_heartbeat FROM replicas r WHERE r.id = o.replica_id) > clock_timestamp() - {parameter}))), TRUE))
        """;

    public static NpgsqlBatchCommand Open(SessionSnapshot[] rows, Guid replica, DateTimeOffset now) => new(NewSessions)
    {
        Parameters =
        {
            Column(rows, row => row.StreamId),
            Column(rows, row => row.ThreadId),
            Column(rows, row => row.MessageId),
            Column(rows, row => row.UserMessageId),
            Column(rows, row => row.Principal),
            Column(rows, row => row.Status),
            Column(rows, row => row.StartedAt),
            Column(rows, row => row.EndedAt),
            new() { Value = replica },
            new() { Value = now },
            Column(rows, row => row.Requires),
            Column(rows, row => row.RequiresContent?.Text),
            Column(rows, row => row.OneTurnOf),
            new NpgsqlParameter<TimeSpan> { TypedValue = RunningTurns.MaxHeartbeatAge },
            Column(rows, row => row.BringsMessage),
            Json(rows, row => row.RequiresContent?.FilesJson),
            Column(rows, row => row.Cost?.PromptTokens),
            Column(rows, row => row.Cost?.CompletionTokens),
            Column(rows, row => row.Cost?.MicroUsd),
            Column(rows, row => row.TraceId),
            Column(rows, row => row.TrailJson),
        },
    };

    public static NpgsqlBatchCommand DeleteOldReplacements(SessionSnapshot[] rows, DateTimeOffset now) => new(OldReplacements)
    {
        Parameters =
        {
            Column(rows, row => row.ThreadId),
            Column(rows, row => row.UserMessageId),
            Column(rows, row => row.StreamId),
            new() { Value = now - FailedReplacementAge },
            new() { Value = now - ReplacedTurnAge },
        },
    };

    public static NpgsqlBatchCommand Update(SessionSnapshot[] rows, DateTimeOffset now) => new(KnownSessions)
    {
        Parameters =
        {
            Column(rows, row => row.StreamId),
            Column(rows, row => row.MessageId),
            Column(rows, row => row.Status),
            Column(rows, row => row.EndedAt),
            new() { Value = now },
            Column(rows, row => row.Requires),
            Column(rows, row => row.Cost?.PromptTokens),
            Column(rows, row => row.Cost?.CompletionTokens),
            Column(rows, row => row.Cost?.MicroUsd),
            Column(rows, row => row.TrailJson),
        },
    };

    public static NpgsqlBatchCommand Check(Guid[] ids) => new(UnchangedSessions) { Parameters = { Ids(ids) } };
}

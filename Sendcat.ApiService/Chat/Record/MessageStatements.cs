using Npgsql;

using static Sendcat.ApiService.Chat.Record.CommitColumns;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>The statements of a <see cref="TurnJournalCommit"/> on messages and their parts.</summary>
internal static class MessageStatements
{
    // A persisted turn inserts nothing if it was reaped, or if its last message was deleted: the deletion included the messages after it.
    // The first messages of an answer to a persisted message depend on that one (anchor) instead, and after an edit on its text and its
    // files.
    private static readonly string NewMessages = $"""
        -- insert messages
        INSERT INTO messages (id, thread_id, role, content, model_id, status, reasoning_content, attachments, tool_calls, tool_call_id,
          name, products, sources, client_id, created_at, answers_id)
        SELECT u.id, u.thread_id, u.role, u.content, u.model_id, u.status, u.reasoning, u.attachments, u.tool_calls, u.tool_call_id,
          u.name, u.products, u.sources, u.client_id, u.created_at, u.answers
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $22, $23)
          WITH ORDINALITY AS u(id, thread_id, role, content, model_id, status, reasoning, attachments, tool_calls, tool_call_id, name,
            products, sources, client_id, created_at, turn, anchor, anchor_text, stream, one_turn_of, answers, anchor_files, n)
        WHERE EXISTS (SELECT 1 FROM threads t WHERE t.id = u.thread_id)
          AND (u.turn IS NULL OR EXISTS (
            SELECT 1 FROM stream_sessions s JOIN messages m ON m.id = coalesce(u.anchor, s.message_id)
            WHERE s.id = u.turn AND s.status IN ('streaming', 'aborted')))
          AND (u.anchor IS NULL OR EXISTS (
            SELECT 1 FROM messages m
            WHERE m.id = u.anchor AND m.thread_id = u.thread_id
              AND (u.anchor_text IS NULL OR (m.content = u.anchor_text AND m.attachments IS NOT DISTINCT FROM u.anchor_files))))
          AND {SessionStatements.IsOnlyTurn("$21")}
          -- nor may another turn, which may have ended, have inserted the message that this one brings
          AND (u.one_turn_of IS NULL OR u.anchor IS NOT NULL OR (SELECT m.id FROM messages m WHERE m.id = u.one_turn_of) IS NULL
            OR (SELECT s.id FROM stream_sessions s WHERE s.id = u.stream) IS NOT NULL)
          -- a message with a client id that is persisted under another id is not inserted again
          AND (u.client_id IS NULL OR NOT EXISTS (
            SELECT 1 FROM messages m WHERE m.thread_id = u.thread_id AND m.client_id = u.client_id AND m.id <> u.id))
        ORDER BY u.n
        ON CONFLICT (id) DO UPDATE SET
          content = excluded.content, model_id = excluded.model_id, reasoning_content = excluded.reasoning_content,
          tool_calls = excluded.tool_calls, products = excluded.products, sources = excluded.sources,
          status = CASE WHEN messages.status = 'aborted' THEN 'aborted' ELSE excluded.status END
        WHERE messages.role = 'assistant' AND messages.status IN ('streaming', 'aborted')
        """;

    // A closed message stays closed. A message that was aborted by another replica keeps its status and gets its partial text.
    private const string KnownMessages = """
        -- update messages
        UPDATE messages m SET
          content = u.content, model_id = u.model_id, reasoning_content = u.reasoning, tool_calls = u.tool_calls,
          products = u.products, sources = u.sources,
          status = CASE WHEN m.status = 'aborted' THEN 'aborted' ELSE u.status END
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS u(id, content, model_id, status, reasoning, tool_calls, products, sources)
        WHERE m.id = u.id AND m.role = 'assistant' AND m.status IN ('streaming', 'aborted')
        """;

    private const string PartsOfWrittenMessages = """
        -- delete message parts
        DELETE FROM message_parts WHERE message_id = ANY($1)
        """;

    // A closed message gets no further part. The commit finds its session closed, and then writes the whole text.
    private const string Parts = """
        -- insert message parts
        INSERT INTO message_parts (message_id, number, content, reasoning_content)
        SELECT u.message_id, u.number, u.content, u.reasoning FROM unnest($1, $2, $3, $4) AS u(message_id, number, content, reasoning)
        WHERE EXISTS (SELECT 1 FROM messages m WHERE m.id = u.message_id AND m.status = 'streaming')
        ON CONFLICT (message_id, number) DO UPDATE SET content = excluded.content, reasoning_content = excluded.reasoning_content
        """;

    // Runs after the messages of the new answer are inserted. A turn that still writes the replaced answer is marked as aborted. One that
    // has written it stays for a day from now (last_heartbeat): late repetitions of its request are recognized by it, and readers of the
    // thread's events that were away are notified of its end. last: the end of the replaced answer; unknown for rows without answers_id,
    // then everything follows the answer.
    private const string DeleteReplaced = """
        -- delete replaced answers
        WITH replaced AS (
          SELECT u.thread_id, u.anchor, a.seq AS after,
            (SELECT max(o.seq) FROM messages o
              WHERE o.thread_id = u.thread_id AND o.answers_id = u.anchor AND o.seq > a.seq AND o.seq < f.seq) AS last,
            coalesce((SELECT min(n.seq) FROM messages n
              WHERE n.thread_id = u.thread_id AND n.seq > u.through AND n.seq < f.seq AND n.role = 'user'), f.seq) AS before
          FROM unnest($1, $2, $3, $4) AS u(thread_id, anchor, through, first)
          JOIN messages a ON a.id = u.anchor AND a.thread_id = u.thread_id JOIN messages f ON f.id = u.first AND f.thread_id = u.thread_id
        ), kept AS (
          SELECT m.id FROM messages m
          JOIN replaced r ON m.thread_id = r.thread_id AND m.seq > r.after AND m.seq < r.last AND m.role = 'user'
        ), gone AS (
          DELETE FROM messages m USING replaced r
          WHERE m.thread_id = r.thread_id AND m.seq > r.after AND m.seq < r.before
            AND m.id NOT IN (SELECT id FROM kept) AND (m.answers_id IS NULL OR m.answers_id NOT IN (SELECT id FROM kept))
          RETURNING m.id, m.thread_id, r.anchor
        ), ended AS (
          DELETE FROM stream_sessions s USING gone
          WHERE s.thread_id = gone.thread_id AND s.status <> 'streaming'
            AND ((s.message_id = gone.id AND s.user_message_id IS DISTINCT FROM gone.anchor) OR s.user_message_id = gone.id)
        )
        UPDATE stream_sessions s SET last_heartbeat = clock_timestamp(),
          status = CASE WHEN s.status = 'streaming' THEN 'aborted' ELSE s.status END,
          ended_at = CASE WHEN s.status = 'streaming' THEN clock_timestamp() ELSE s.ended_at END
        FROM gone
        WHERE s.thread_id = gone.thread_id AND s.message_id = gone.id
          AND (s.status = 'streaming' OR s.user_message_id = gone.anchor)
        """;

    private const string FailedMessages = """
        -- fail messages
        UPDATE messages SET status = 'error' WHERE id = ANY($1) AND status = 'streaming'
        """;

    public static NpgsqlBatchCommand Insert(MessageSnapshot[] rows) => new(NewMessages)
    {
        Parameters =
        {
            Column(rows, row => row.Id),
            Column(rows, row => row.ThreadId),
            Column(rows, row => row.Role),
            Column(rows, row => row.Content),
            Column(rows, row => row.ModelId),
            Column(rows, row => row.Status),
            Column(rows, row => row.Reasoning),
            Json(rows, row => row.AttachmentsJson),
            Json(rows, row => row.ToolCallsJson),
            Column(rows, row => row.ToolCallId),
            Column(rows, row => row.Name),
            Json(rows, row => row.ProductsJson),
            Json(rows, row => row.SourcesJson),
            Column(rows, row => row.ClientId),
            Column(rows, row => row.CreatedAt),
            Column(rows, row => row.Turn),
            Column(rows, row => row.Anchor),
            Column(rows, row => row.AnchorContent?.Text),
            Column(rows, row => row.Stream),
            Column(rows, row => row.OneTurnOf),
            new NpgsqlParameter<TimeSpan> { TypedValue = RunningTurns.MaxHeartbeatAge },
            Column(rows, row => row.Answers),
            Json(rows, row => row.AnchorContent?.FilesJson),
        },
    };

    public static NpgsqlBatchCommand Update(MessageSnapshot[] rows) => new(KnownMessages)
    {
        Parameters =
        {
            Column(rows, row => row.Id),
            Column(rows, row => row.Content),
            Column(rows, row => row.ModelId),
            Column(rows, row => row.Status),
            Column(rows, row => row.Reasoning),
            Json(rows, row => row.ToolCallsJson),
            Json(rows, row => row.ProductsJson),
            Json(rows, row => row.SourcesJson),
        },
    };

    public static NpgsqlBatchCommand DeleteReplacedAnswers(ReplacedMessages[] rows) => new(DeleteReplaced)
    {
        Parameters =
        {
            Column(rows, row => row.ThreadId),
            Column(rows, row => row.Anchor),
            Column(rows, row => row.Through),
            Column(rows, row => row.First),
        },
    };

    public static NpgsqlBatchCommand DeleteParts(Guid[] ids) => new(PartsOfWrittenMessages) { Parameters = { Ids(ids) } };

    public static NpgsqlBatchCommand InsertParts(PartSnapshot[] rows) => new(Parts)
    {
        Parameters =
        {
            Column(rows, row => row.MessageId),
            Column(rows, row => row.Number),
            Column(rows, row => row.Content),
            Column(rows, row => row.Reasoning),
        },
    };

    public static NpgsqlBatchCommand Fail(Guid[] ids) => new(FailedMessages) { Parameters = { Ids(ids) } };
}

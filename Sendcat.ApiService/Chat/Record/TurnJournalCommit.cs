using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// One transaction of the <see cref="TurnJournal"/>: rows and parts of texts of many turns, with fixed keys, so that a repeat after a commit
/// with an unknown outcome changes nothing. A row of an earlier confirmed commit is only updated: if it is missing, it was deleted meanwhile.
/// </summary>
internal static class TurnJournalCommit
{
    /// <summary>
    /// Reported instead of a status: another turn of the message was first, or another thread under the same client id, so nothing of this
    /// one was inserted.
    /// </summary>
    public const string Repeated = "repeated";

    // With a custom plan for every commit, planning the updates below takes as long as running them, so generic plans are forced. Without
    // statistics, as on a new database, a generic plan would use sequential scans, so these are disabled. Both settings last for the
    // transaction. Returns no rows.
    private const string PlanOnce = """
        -- use generic plans
        SELECT WHERE set_config('plan_cache_mode', 'force_generic_plan', TRUE) IS NULL OR set_config('enable_seqscan', 'off', TRUE) IS NULL
        """;

    // A principal begins one thread under a client id: a second one is not inserted, nor what belongs to it. The order prevents deadlocks
    // of commits that begin the same threads. Nothing is inserted for a deleted user.
    private const string NewThreads = """
        -- begin threads
        INSERT INTO threads (id, client_id, title, model_id, session_id, user_id, last_message_at, created_at)
        SELECT u.id, u.client_id, u.title, u.model_id, u.session_id, u.user_id, u.created_at, u.created_at
        FROM unnest($1, $2, $3, $4, $5, $6, $7) AS u(id, client_id, title, model_id, session_id, user_id, created_at)
        WHERE u.user_id IS NULL OR (SELECT o.id FROM users o WHERE o.id = u.user_id) IS NOT NULL
        ORDER BY u.user_id, u.session_id, u.client_id, u.id
        ON CONFLICT DO NOTHING
        """;

    // Whether a new turn (u) is the only one of its message, on replicas that live: see RunningTurns.MaxHeartbeatAge. True for a turn whose
    // session an earlier attempt of the same commit has inserted. The commits of a thread run one after the other, because each of them
    // locks the row of the thread in an earlier statement. The parameter is the maximum age of a heartbeat. Scalar subqueries, because the
    // plan of an EXISTS may hash all sessions.
    private static string IsOnlyTurn(string parameter) => $"""
        (u.one_turn_of IS NULL OR coalesce((
          SELECT bool_or(o.id = u.stream) FROM stream_sessions o
          WHERE o.thread_id = u.thread_id AND o.status = 'streaming' AND (o.id = u.stream OR (o.user_message_id = u.one_turn_of
            AND (SELECT r.last_heartbeat FROM replicas r WHERE r.id = o.replica_id) > clock_timestamp() - {parameter}))), TRUE))
        """;

    // Threads that the commit does not touch, but whose turns have to be the only ones of their messages. All threads of the commit in one
    // order, so that two commits do not wait for each other. Returns no rows.
    private const string LockThreads = """
        -- lock threads
        WITH locked AS (SELECT id FROM threads WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
        SELECT WHERE (SELECT count(*) FROM locked) < 0
        """;

    // A persisted turn inserts nothing if it was reaped, or if its last message was deleted: the deletion included the messages after it.
    // The first messages of an answer to a persisted message depend on that one (anchor) instead, and after an edit on its text.
    private static readonly string NewMessages = $"""
        -- insert messages
        INSERT INTO messages (id, thread_id, role, content, model_id, status, reasoning_content, attachments, tool_calls, tool_call_id, name, products, sources, client_id, created_at, answers_id)
        SELECT u.id, u.thread_id, u.role, u.content, u.model_id, u.status, u.reasoning, u.attachments, u.tool_calls, u.tool_call_id, u.name, u.products, u.sources, u.client_id, u.created_at, u.answers
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $22)
          WITH ORDINALITY AS u(id, thread_id, role, content, model_id, status, reasoning, attachments, tool_calls, tool_call_id, name,
            products, sources, client_id, created_at, turn, anchor, anchor_text, stream, one_turn_of, answers, n)
        WHERE EXISTS (SELECT 1 FROM threads t WHERE t.id = u.thread_id)
          AND (u.turn IS NULL OR EXISTS (SELECT 1 FROM stream_sessions s JOIN messages m ON m.id = coalesce(u.anchor, s.message_id) WHERE s.id = u.turn AND s.status IN ('streaming', 'aborted')))
          AND (u.anchor IS NULL OR EXISTS (SELECT 1 FROM messages m WHERE m.id = u.anchor AND m.thread_id = u.thread_id AND (u.anchor_text IS NULL OR m.content = u.anchor_text)))
          AND {IsOnlyTurn("$21")}
          -- nor may another turn, which may have ended, have inserted the message that this one brings
          AND (u.one_turn_of IS NULL OR u.anchor IS NOT NULL OR (SELECT m.id FROM messages m WHERE m.id = u.one_turn_of) IS NULL
            OR (SELECT s.id FROM stream_sessions s WHERE s.id = u.stream) IS NOT NULL)
          -- a message with a client id that is persisted under another id is not inserted again
          AND (u.client_id IS NULL OR NOT EXISTS (SELECT 1 FROM messages m WHERE m.thread_id = u.thread_id AND m.client_id = u.client_id AND m.id <> u.id))
        ORDER BY u.n
        ON CONFLICT (id) DO UPDATE SET
          content = excluded.content, model_id = excluded.model_id, reasoning_content = excluded.reasoning_content, tool_calls = excluded.tool_calls, products = excluded.products, sources = excluded.sources,
          status = CASE WHEN messages.status = 'aborted' THEN 'aborted' ELSE excluded.status END
        WHERE messages.role = 'assistant' AND messages.status IN ('streaming', 'aborted')
        """;

    // A closed message stays closed. A message that was aborted by another replica keeps its status and gets its partial text.
    private const string KnownMessages = """
        -- update messages
        UPDATE messages m SET
          content = u.content, model_id = u.model_id, reasoning_content = u.reasoning, tool_calls = u.tool_calls, products = u.products, sources = u.sources,
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

    // Runs after the messages of the new answer are inserted. A turn that still writes the replaced answer is marked as aborted. last: the end
    // of the replaced answer; unknown for rows without answers_id, then everything follows the answer.
    private const string DeleteReplaced = """
        -- delete replaced answers
        WITH replaced AS (
          SELECT u.thread_id, u.anchor, a.seq AS after,
            (SELECT max(o.seq) FROM messages o WHERE o.thread_id = u.thread_id AND o.answers_id = u.anchor AND o.seq > a.seq AND o.seq < f.seq) AS last,
            coalesce((SELECT min(n.seq) FROM messages n WHERE n.thread_id = u.thread_id AND n.seq > u.through AND n.seq < f.seq AND n.role = 'user'), f.seq) AS before
          FROM unnest($1, $2, $3, $4) AS u(thread_id, anchor, through, first)
          JOIN messages a ON a.id = u.anchor AND a.thread_id = u.thread_id JOIN messages f ON f.id = u.first AND f.thread_id = u.thread_id
        ), kept AS (
          SELECT m.id FROM messages m JOIN replaced r ON m.thread_id = r.thread_id AND m.seq > r.after AND m.seq < r.last AND m.role = 'user'
        ), gone AS (
          DELETE FROM messages m USING replaced r
          WHERE m.thread_id = r.thread_id AND m.seq > r.after AND m.seq < r.before
            AND m.id NOT IN (SELECT id FROM kept) AND (m.answers_id IS NULL OR m.answers_id NOT IN (SELECT id FROM kept))
          RETURNING m.id, m.thread_id
        ), ended AS (
          DELETE FROM stream_sessions s USING gone WHERE s.thread_id = gone.thread_id AND s.message_id = gone.id AND s.status <> 'streaming'
        )
        UPDATE stream_sessions s SET status = 'aborted', ended_at = clock_timestamp() FROM gone
        WHERE s.thread_id = gone.thread_id AND s.message_id = gone.id AND s.status = 'streaming'
        """;

    // A turn that should have replaced an answer and had no content left no message, so nothing else deletes its session before the thread.
    // $4: readers of the thread's events have been told of the end of those before.
    private const string FailedReplacements = """
        -- delete failed replacements
        DELETE FROM stream_sessions s USING unnest($1, $2, $3) AS u(thread_id, asked, stream)
        WHERE s.thread_id = u.thread_id AND s.user_message_id = u.asked AND s.id <> u.stream
          AND s.status IN ('error', 'aborted') AND s.ended_at < $4 AND (SELECT m.id FROM messages m WHERE m.id = s.message_id) IS NULL
        """;

    private static readonly TimeSpan FailedReplacementAge = TimeSpan.FromMinutes(1);

    private const string FailedMessages = """
        -- fail messages
        UPDATE messages SET status = 'error' WHERE id = ANY($1) AND status = 'streaming'
        """;

    // Runs after the messages are inserted. Without the required one, the message that the turn answers was deleted or edited before; or
    // another turn has inserted it, if this one brings it.
    private static readonly string NewSessions = $"""
        -- open stream sessions
        WITH turns AS (
          SELECT u.*, {IsOnlyTurn("$14")} AND (NOT u.brings_message OR (SELECT m.id FROM messages m WHERE m.id = u.requires) IS NOT NULL
            OR (SELECT s.id FROM stream_sessions s WHERE s.id = u.stream) IS NOT NULL) AS is_only_turn
          FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $11, $12, $13, $15)
            AS u(stream, thread_id, message_id, user_message_id, principal, status, started_at, ended_at, requires, requires_text,
              one_turn_of, brings_message)
          WHERE EXISTS (SELECT 1 FROM threads t WHERE t.id = u.thread_id)
        ), opened AS (
          INSERT INTO stream_sessions (id, thread_id, message_id, user_message_id, replica_id, principal, status, started_at, ended_at,
            last_heartbeat)
          SELECT u.stream, u.thread_id, u.message_id, u.user_message_id, $9, u.principal,
            CASE WHEN u.requires IS NULL
              OR EXISTS (SELECT 1 FROM messages m WHERE m.id = u.requires AND (u.requires_text IS NULL OR m.content = u.requires_text))
              THEN u.status ELSE 'aborted' END, u.started_at, u.ended_at, $10
          FROM turns u WHERE u.is_only_turn
          ON CONFLICT (id) DO UPDATE SET
            message_id = excluded.message_id, ended_at = excluded.ended_at, last_heartbeat = excluded.last_heartbeat,
            status = CASE WHEN stream_sessions.status = 'aborted' THEN 'aborted' ELSE excluded.status END
          WHERE stream_sessions.status IN ('streaming', 'aborted')
          RETURNING id, status
        )
        SELECT id, status FROM opened UNION ALL SELECT u.stream, '{Repeated}' FROM turns u WHERE NOT u.is_only_turn
        """;

    // Runs after the messages are inserted. Without the required one, the message that the turn answers, or its own, was deleted. A scalar
    // subquery for the reason above.
    private const string KnownSessions = """
        -- update stream sessions
        UPDATE stream_sessions s SET
          message_id = u.message_id, ended_at = u.ended_at, last_heartbeat = $5,
          status = CASE WHEN s.status = 'aborted' OR (u.requires IS NOT NULL AND (SELECT m.id FROM messages m WHERE m.id = u.requires) IS NULL)
            THEN 'aborted' ELSE u.status END
        FROM unnest($1, $2, $3, $4, $6) AS u(id, message_id, status, ended_at, requires)
        WHERE s.id = u.id AND s.status IN ('streaming', 'aborted')
        RETURNING s.id, s.status
        """;

    private const string UnchangedSessions = """
        -- check stream sessions
        SELECT id, status FROM stream_sessions WHERE id = ANY($1)
        """;

    private const string Touches = """
        -- touch threads
        UPDATE threads SET last_message_at = greatest(coalesce(last_message_at, $2), $2) WHERE id = ANY($1)
        """;

    private const string Titles = """
        -- title threads
        UPDATE threads t SET title = u.title FROM unnest($1, $2) AS u(id, title) WHERE t.id = u.id AND t.title IS NULL
        """;

    /// <returns>
    /// Turns that were closed elsewhere, with the status found in Postgres or <see cref="Repeated"/>; null when the thread was deleted.
    /// </returns>
    /// <exception cref="NpgsqlException">The commit failed, or its outcome is unknown.</exception>
    public static async Task<IReadOnlyList<KeyValuePair<TurnRecord, string?>>> WriteAsync(
        NpgsqlDataSource database, Guid replica, IReadOnlyList<TurnChanges> changes, DateTimeOffset now)
    {
        await using var connection = await database.OpenConnectionAsync();
        await using var batch = connection.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(PlanOnce));

        Add(batch, [.. changes.Select(change => change.Begins).OfType<ChatThread>()], NewThreadsCommand);
        if (changes.Any(change => change.Session is { IsNew: true, OneTurnOf: not null } && !change.Touches))
        {
            Add(
                batch,
                [.. changes.Where(change => change.Touches || change.Session.IsNew).Select(change => change.Session.ThreadId).Distinct()],
                threads => new(LockThreads) { Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = threads } } });
        }

        // Threads are locked before their messages, as in all other transactions, which prevents deadlocks: a message that begins or ends
        // changes the counters of its thread.
        Add(
            batch,
            [.. changes.Where(change => change.Touches).Select(change => change.Session.ThreadId).Distinct().Order()],
            threads => new(Touches) { Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = threads }, new() { Value = now } } });
        Add(
            batch,
            [.. changes.Where(change => change.Session.IsNew && change.Record.Title is not null).Select(change => change.Record).DistinctBy(record => record.ThreadId)],
            records => new(Titles) { Parameters = { Column(records, record => record.ThreadId), Column(records, record => record.Title) } });
        Add(batch, [.. changes.SelectMany(change => change.Messages).Where(row => row.IsNew).DistinctBy(row => row.Id)], NewMessagesCommand);
        Add(batch, [.. changes.SelectMany(change => change.Messages).Where(row => !row.IsNew)], KnownMessagesCommand);
        Add(
            batch, [.. changes.Select(change => change.Replaces).OfType<ReplacedMessages>()],
            rows => new(DeleteReplaced) { Parameters = { Column(rows, row => row.ThreadId), Column(rows, row => row.Anchor), Column(rows, row => row.Through), Column(rows, row => row.First) } });
        Add(
            batch, [.. changes.SelectMany(change => change.Messages).Where(row => row.MayHaveParts).Select(row => row.Id)],
            ids => new(PartsOfWrittenMessages) { Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = ids } } });
        Add(batch, [.. changes.SelectMany(change => change.Parts)], PartsCommand);
        Add(
            batch, [.. changes.SelectMany(change => change.Failed)],
            ids => new(FailedMessages) { Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = ids } } });
        Add(batch, [.. changes.Select(change => change.Session).Where(row => row.IsNew)], rows => NewSessionsCommand(rows, replica, now));
        Add(
            batch,
            [.. changes.Where(change => change is { HoldsBackMessages: true, Session.IsNew: true }).Select(change => change.Session)],
            rows => new(FailedReplacements)
            {
                Parameters =
                {
                    Column(rows, row => row.ThreadId), Column(rows, row => row.UserMessageId), Column(rows, row => row.StreamId),
                    new() { Value = now - FailedReplacementAge },
                },
            });
        Add(batch, [.. changes.Select(change => change.Session).Where(row => row is { IsNew: false, HasChanged: true })], rows => KnownSessionsCommand(rows, now));
        Add(
            batch, [.. changes.Select(change => change.Session).Where(row => row is { IsNew: false, HasChanged: false }).Select(row => row.StreamId)],
            ids => new(UnchangedSessions) { Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = ids } } });

        var found = new Dictionary<Guid, string>(changes.Count);
        await using (var reader = await batch.ExecuteReaderAsync())
        {
            await ReadStatusesAsync(reader, found);
        }

        // The statements above return no session that was closed with another status than aborted. A session that is missing altogether was
        // deleted with its thread, or not inserted because the thread is missing.
        if (changes.Select(change => change.Session.StreamId).Where(id => !found.ContainsKey(id)).ToArray() is { Length: > 0 } closed)
        {
            await using var check = new NpgsqlCommand(UnchangedSessions, connection);
            check.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = closed });
            await using var reader = await check.ExecuteReaderAsync();
            await ReadStatusesAsync(reader, found);
        }

        return [.. changes
            .Where(change => found.GetValueOrDefault(change.Session.StreamId) != change.Session.Status)
            .Select(change => KeyValuePair.Create(
                change.Record,
                found.GetValueOrDefault(change.Session.StreamId) ?? (change.Begins is { ClientId: not null } ? Repeated : null)))];
    }

    private static async Task ReadStatusesAsync(NpgsqlDataReader reader, Dictionary<Guid, string> found)
    {
        // Npgsql throws the error of a later statement only when the reader reaches its result.
        do
        {
            while (await reader.ReadAsync())
            {
                found[reader.GetGuid(0)] = reader.GetString(1);
            }
        }
        while (await reader.NextResultAsync());
    }

    private static void Add<TRow>(NpgsqlBatch batch, TRow[] rows, Func<TRow[], NpgsqlBatchCommand> command)
    {
        if (rows.Length > 0)
        {
            batch.BatchCommands.Add(command(rows));
        }
    }

    private static NpgsqlBatchCommand NewThreadsCommand(ChatThread[] rows) => new(NewThreads)
    {
        Parameters =
        {
            Column(rows, row => row.Id),
            Column(rows, row => row.ClientId),
            Column(rows, row => row.Title),
            Column(rows, row => row.ModelId),
            Column(rows, row => row.SessionId),
            Column(rows, row => row.UserId),
            Column(rows, row => row.CreatedAt),
        },
    };

    private static NpgsqlBatchCommand NewMessagesCommand(MessageSnapshot[] rows) => new(NewMessages)
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
            Column(rows, row => row.AnchorText),
            Column(rows, row => row.Stream),
            Column(rows, row => row.OneTurnOf),
            new NpgsqlParameter<TimeSpan> { TypedValue = RunningTurns.MaxHeartbeatAge },
            Column(rows, row => row.Answers),
        },
    };

    private static NpgsqlBatchCommand KnownMessagesCommand(MessageSnapshot[] rows) => new(KnownMessages)
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

    private static NpgsqlBatchCommand PartsCommand(PartSnapshot[] rows) => new(Parts)
    {
        Parameters =
        {
            Column(rows, row => row.MessageId),
            Column(rows, row => row.Number),
            Column(rows, row => row.Content),
            Column(rows, row => row.Reasoning),
        },
    };

    private static NpgsqlBatchCommand NewSessionsCommand(SessionSnapshot[] rows, Guid replica, DateTimeOffset now) => new(NewSessions)
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
            Column(rows, row => row.RequiresText),
            Column(rows, row => row.OneTurnOf),
            new NpgsqlParameter<TimeSpan> { TypedValue = RunningTurns.MaxHeartbeatAge },
            Column(rows, row => row.BringsMessage),
        },
    };

    private static NpgsqlBatchCommand KnownSessionsCommand(SessionSnapshot[] rows, DateTimeOffset now) => new(KnownSessions)
    {
        Parameters =
        {
            Column(rows, row => row.StreamId),
            Column(rows, row => row.MessageId),
            Column(rows, row => row.Status),
            Column(rows, row => row.EndedAt),
            new() { Value = now },
            Column(rows, row => row.Requires),
        },
    };

    private static NpgsqlParameter Column<TRow, TValue>(TRow[] rows, Func<TRow, TValue> value) =>
        new NpgsqlParameter<TValue[]> { TypedValue = Array.ConvertAll(rows, row => value(row)) };

    private static NpgsqlParameter Json<TRow>(TRow[] rows, Func<TRow, string?> value) =>
        new() { Value = Array.ConvertAll(rows, row => value(row)), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb };
}

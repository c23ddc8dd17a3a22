using Npgsql;
using Sendcat.ApiService.Threads;

using static Sendcat.ApiService.Chat.Record.CommitColumns;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>The statements of a <see cref="TurnJournalCommit"/> on threads.</summary>
internal static class ThreadStatements
{
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

    // Threads that the commit does not touch, but whose turns have to be the only ones of their messages. All threads of the commit in one
    // order, so that two commits do not wait for each other. Returns no rows.
    private const string LockThreads = """
        -- lock threads
        WITH locked AS (SELECT id FROM threads WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
        SELECT WHERE (SELECT count(*) FROM locked) < 0
        """;

    private const string Touches = """
        -- touch threads
        UPDATE threads SET last_message_at = greatest(coalesce(last_message_at, $2), $2) WHERE id = ANY($1)
        """;

    private const string Titles = """
        -- title threads
        UPDATE threads t SET title = u.title FROM unnest($1, $2) AS u(id, title) WHERE t.id = u.id AND t.title IS NULL
        """;

    public static NpgsqlBatchCommand Begin(ChatThread[] rows) => new(NewThreads)
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

    public static NpgsqlBatchCommand Lock(Guid[] ids) => new(LockThreads) { Parameters = { Ids(ids) } };

    public static NpgsqlBatchCommand Touch(Guid[] ids, DateTimeOffset now) =>
        new(Touches) { Parameters = { Ids(ids), new() { Value = now } } };

    public static NpgsqlBatchCommand SetTitles(TurnRecord[] records) => new(Titles)
    {
        Parameters = { Column(records, record => record.ThreadId), Column(records, record => record.Title) },
    };
}

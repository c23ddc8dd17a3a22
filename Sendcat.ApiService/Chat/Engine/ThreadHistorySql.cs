using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>The statements of <see cref="ThreadHistory"/>.</summary>
internal static class ThreadHistorySql
{
    public const string ReadThread = $"""
        -- read thread
        SELECT {ThreadAndRunningTurn} WHERE t.id = $1
        """;

    public const string ReadThreadByClientId = $"""
        -- read thread by client id
        SELECT {ThreadAndRunningTurn} WHERE t.id = {ThreadName.FindByClientId}
        """;

    private const string ThreadAndRunningTurn = """
        t.id, t.user_id, t.session_id, t.model_id, t.message_count, t.title IS NOT NULL, running.ids, running.replicas, running.asked
        FROM threads t CROSS JOIN LATERAL (
          SELECT array_agg(s.id ORDER BY s.started_at DESC) AS ids, array_agg(s.replica_id ORDER BY s.started_at DESC) AS replicas,
            array_agg(s.user_message_id ORDER BY s.started_at DESC) AS asked
          FROM stream_sessions s WHERE s.thread_id = t.id AND s.status = 'streaming'
        ) running
        """;

    // $1: the thread. $2: ids that clients gave messages, $3: ids of messages. The user message that the newest named one answers; if that
    // is unknown, the last user message up to it.
    public const string FindUserMessage = """
        -- find user message
        WITH named AS (
          SELECT seq, answers_id FROM messages WHERE thread_id = $1 AND (client_id = ANY($2) OR id = ANY($3)) ORDER BY seq DESC LIMIT 1
        )
        SELECT coalesce(
          (SELECT a.seq FROM messages a JOIN named ON a.id = named.answers_id WHERE a.thread_id = $1),
          (SELECT max(u.seq) FROM messages u WHERE u.thread_id = $1 AND u.role = 'user' AND u.seq <= (SELECT seq FROM named)))
        """;

    public const string ReadMessagesThrough = $"""
        -- read earlier thread messages
        SELECT {MessagesOf} thread_id = $1 AND seq <= $2 {NewestMessages}
        """;

    public const string ReadBytesOfUser = $"""
        -- read usage
        SELECT coalesce(sum(owned.bytes), 0)::bigint FROM {Usage.OfUser}
        """;

    public const string ReadBytesOfGuest = $"""
        -- read usage
        SELECT coalesce(sum(owned.bytes), 0)::bigint FROM {Usage.OfGuest}
        """;

    public const string ReadMessages = $"""
        -- read thread messages
        SELECT {MessagesOf} thread_id = $1 {NewestMessages}
        """;

    public const string ReadMessagesByClientId = $"""
        -- read thread messages by client id
        SELECT {MessagesOf} thread_id = (SELECT {ThreadName.FindByClientId}) {NewestMessages}
        """;

    // Answers that are still being written are left out. The query reads only what may be sent to the model: from the newest message
    // backwards, until the messages already read have more than $5 bytes, and at most $6 characters of each text. So the memory of a read
    // is bounded for every thread.
    // The links to attachments are deleted with these, at once; the file store may have their content for a minute more.
    private const string MessagesOf = """
        m.id, m.role, left(m.content, $6), m.status, m.tool_calls, m.tool_call_id, m.name, m.products, m.attachments, m.client_id, m.seq,
        m.answers_id, m.edits,
        CASE WHEN m.attachments IS NOT NULL THEN ARRAY(SELECT f.attachment_id FROM message_attachments f WHERE f.message_id = m.id) END
        FROM (
          SELECT n.*, sum(
            octet_length(n.content) + coalesce(octet_length(n.tool_calls::text), 0) + coalesce(octet_length(n.attachments::text), 0))
            OVER (ORDER BY n.seq DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS preceding_bytes
          FROM (
            SELECT * FROM messages WHERE
        """;

    private const string NewestMessages = """
              AND status IS DISTINCT FROM 'streaming' ORDER BY seq DESC LIMIT $4
          ) n
        ) m WHERE coalesce(m.preceding_bytes, 0) <= $5 ORDER BY m.seq DESC
        """;

    public const string ReadTurnOfKey = $"""
        -- read keyed turn
        SELECT {TurnOfThread} $1 {WithKey}
        """;

    public const string ReadTurnOfKeyByClientId = $"""
        -- read keyed turn by client id
        SELECT {TurnOfThread} (SELECT {ThreadName.FindByClientId}) {WithKey}
        """;

    private const string TurnOfThread = """
        s.id, s.replica_id, s.user_message_id, s.status, EXISTS (SELECT FROM messages m WHERE m.id = s.message_id),
          EXISTS (SELECT FROM stream_sessions n
            WHERE n.thread_id = s.thread_id AND n.user_message_id = s.user_message_id AND n.started_at > s.started_at
              AND EXISTS (SELECT FROM messages m WHERE m.id = n.message_id)),
          EXISTS (SELECT FROM stream_sessions n
            WHERE n.thread_id = s.thread_id AND n.user_message_id = s.user_message_id AND n.started_at > s.started_at
              AND n.status = 'streaming')
        FROM stream_sessions s WHERE s.thread_id =
        """;

    // $4: see StreamIds.EndOfIds.
    private const string WithKey = "AND right(s.id::text, 17) = $4 ORDER BY s.started_at DESC LIMIT 1";
}

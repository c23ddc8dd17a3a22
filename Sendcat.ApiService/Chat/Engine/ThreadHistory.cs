using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>The data of a thread that a turn needs: owner, model, and the newest messages.</summary>
/// <param name="UserId">The owner, if it is a user; null for an anonymous session.</param>
/// <param name="SessionId">The owner, if it is an anonymous session.</param>
/// <param name="Messages">
/// The newest messages, the oldest of them first; but the messages of an answer follow the user message that it answers, even if others
/// were stored while its turn ran.
/// </param>
internal sealed record ThreadHistory(
    Guid ThreadId, string? UserId, string? SessionId, string? ModelId, IReadOnlyList<HistoryMessage> Messages)
{
    private const string ReadThread = $"""
        -- read thread
        SELECT {ThreadAndRunningTurn} WHERE t.id = $1
        """;

    private const string ReadThreadByClientId = $"""
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
    private const string FindUserMessage = """
        -- find user message
        WITH named AS (
          SELECT seq, answers_id FROM messages WHERE thread_id = $1 AND (client_id = ANY($2) OR id = ANY($3)) ORDER BY seq DESC LIMIT 1
        )
        SELECT coalesce(
          (SELECT a.seq FROM messages a JOIN named ON a.id = named.answers_id WHERE a.thread_id = $1),
          (SELECT max(u.seq) FROM messages u WHERE u.thread_id = $1 AND u.role = 'user' AND u.seq <= (SELECT seq FROM named)))
        """;

    private const string ReadMessagesThrough = $"""
        -- read earlier thread messages
        SELECT {MessagesOf} thread_id = $1 AND seq <= $2 {NewestMessages}
        """;

    private const string ReadBytesOfUser = $"""
        -- read usage
        SELECT coalesce(sum(owned.bytes), 0)::bigint FROM {Usage.OfUser}
        """;

    private const string ReadBytesOfGuest = $"""
        -- read usage
        SELECT coalesce(sum(owned.bytes), 0)::bigint FROM {Usage.OfGuest}
        """;

    private const string ReadMessages = $"""
        -- read thread messages
        SELECT {MessagesOf} thread_id = $1 {NewestMessages}
        """;

    private const string ReadMessagesByClientId = $"""
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

    private const string ReadTurnOfKey = $"""
        -- read keyed turn
        SELECT {TurnOfThread} $1 {WithKey}
        """;

    private const string ReadTurnOfKeyByClientId = $"""
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

    /// <summary>UTF-8 takes at most three bytes for a UTF-16 code unit.</summary>
    private const int BytesPerCharacter = 3;

    /// <summary>
    /// The model that the owner chose for this thread. Null for a thread without one, and for an invalid id of an old row.
    /// </summary>
    public string? ChosenModel => ModelCatalogue.IsModelId(ModelId) ? ModelId : null;

    /// <summary>Set for a thread that the request begins: its row is not stored yet.</summary>
    public ChatThread? Begun { get; init; }

    /// <summary>False for a thread that gets its title from its first message.</summary>
    public bool HasTitle { get; init; }

    /// <summary>The thread's running turns, as persisted, the newest first.</summary>
    public IReadOnlyList<RunningTurn> RunningTurns { get; init; } = [];

    /// <summary>The newest of <see cref="RunningTurns"/>; null: none.</summary>
    public RunningTurn? Running => RunningTurns.Count > 0 ? RunningTurns[0] : null;

    /// <summary>The position of the newest message that was read first; 0 in a thread without one.</summary>
    public long LastSeq { get; init; }

    /// <summary>The newest turn with the idempotency key of the request; null: none, or the request has no key.</summary>
    public TurnOfKey? OfKey { get; init; }

    /// <summary>The thread has messages after <see cref="Messages"/>.</summary>
    public bool HasLaterMessages { get; init; }

    /// <summary>
    /// Number of all messages of the thread, including those that were not read. A message that is being written does not count.
    /// </summary>
    public int MessageCount { get; init; }

    /// <summary>Bytes of all threads of the principal of the request; null if they were not summed up.</summary>
    public long? OwnerBytes { get; init; }

    public bool BelongsTo(Principal principal) => principal.Owns(UserId, SessionId);

    /// <summary>Reads owner, usage and messages, in one round trip if the name is the kind of id that it looks like.</summary>
    /// <param name="sumUsage">Whether to sum up the bytes of all threads of the principal.</param>
    /// <param name="key">The idempotency key whose turn is read; null: none.</param>
    /// <returns>Null if the principal has no such thread.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public static async Task<ThreadHistory?> ReadAsync(
        RequestDatabase database, ThreadName name, Principal principal, Quota quota, bool sumUsage, string? key, ChatOptions limits,
        CancellationToken cancellationToken)
    {
        foreach (var (id, clientId) in name.Lookups())
        {
            if (await ReadAsync(database, id, clientId, principal, quota, sumUsage, key, limits, cancellationToken) is { } thread
                && thread.BelongsTo(principal))
            {
                return thread;
            }
        }

        return null;
    }

    /// <param name="id">The thread's id; null: it is looked up by its client id.</param>
    /// <param name="key">The idempotency key whose turn is read; null: none.</param>
    private static async Task<ThreadHistory?> ReadAsync(
        RequestDatabase database, Guid? id, string? clientId, Principal principal, Quota quota, bool sumUsage, string? key,
        ChatOptions limits, CancellationToken cancellationToken)
    {
        NpgsqlParameter Key() => id is { } known
            ? new NpgsqlParameter<Guid> { TypedValue = known }
            : new NpgsqlParameter<string> { TypedValue = clientId! };

        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var batch = connection.CreateBatch();
        var readThread = new NpgsqlBatchCommand(id is null ? ReadThreadByClientId : ReadThread) { Parameters = { Key() } };
        if (id is null)
        {
            readThread.Parameters.AddRange(ThreadName.Parameters(principal));
        }

        batch.BatchCommands.Add(readThread);
        var principalOf = ThreadName.Parameters(principal);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(id is null ? ReadMessagesByClientId : ReadMessages)
        {
            Parameters =
            {
                Key(),
                principalOf[0],
                principalOf[1],
            },
        });
        batch.BatchCommands[^1].Parameters.AddRange(LimitsOf(limits));
        if (sumUsage)
        {
            var readBytes = new NpgsqlBatchCommand(principal.UserId is null ? ReadBytesOfGuest : ReadBytesOfUser);
            readBytes.Parameters.AddRange(Usage.Parameters(principal, quota));
            batch.BatchCommands.Add(readBytes);
        }

        if (key is not null)
        {
            var keyOf = ThreadName.Parameters(principal);
            batch.BatchCommands.Add(new NpgsqlBatchCommand(id is null ? ReadTurnOfKeyByClientId : ReadTurnOfKey)
            {
                Parameters = { Key(), keyOf[0], keyOf[1], new NpgsqlParameter<string> { TypedValue = StreamIds.EndOfIds(key) } },
            });
        }

        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        if (!await reader.ReadAsync(CancellationToken.None))
        {
            return null;
        }

        var threadId = reader.GetGuid(0);
        var userId = Text(reader, 1);
        var sessionId = Text(reader, 2);
        var modelId = Text(reader, 3);
        var messageCount = reader.GetInt32(4);
        var hasTitle = reader.GetBoolean(5);
        var running = RunningTurnsOf(reader, 6);
        await reader.NextResultAsync(CancellationToken.None);
        var (messages, lastSeq) = await ReadMessagesAsync(reader);
        long? ownerBytes = sumUsage && await reader.NextResultAsync(CancellationToken.None)
            && await reader.ReadAsync(CancellationToken.None)
            ? reader.GetInt64(0)
            : null;
        var ofKey = key is not null && await reader.NextResultAsync(CancellationToken.None)
            && await reader.ReadAsync(CancellationToken.None)
            ? new TurnOfKey(new RunningTurn(reader.GetGuid(0), Id(reader, 1), Id(reader, 2)), reader.GetString(3))
            {
                HasMessage = reader.GetBoolean(4), HasNewerAnswer = reader.GetBoolean(5), HasNewerRunning = reader.GetBoolean(6),
            }
            : null;
        return new ThreadHistory(threadId, userId, sessionId, modelId, messages)
        {
            HasTitle = hasTitle, RunningTurns = running, MessageCount = messageCount, OwnerBytes = ownerBytes, LastSeq = lastSeq,
            OfKey = ofKey,
        };
    }

    /// <summary>
    /// Looks for messages that the request names and that are older than <see cref="Messages"/>. Call it only if none of
    /// <see cref="Messages"/> has one of the ids and the thread has more.
    /// </summary>
    /// <param name="ids">Ids of messages, or ids that clients gave them.</param>
    /// <param name="derivedIds">The ids of messages that were stored with these client ids.</param>
    /// <returns>
    /// The thread with the messages up to the user message that is named or answered by a named one; unchanged if there is none.
    /// </returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<ThreadHistory> ThroughAsync(
        RequestDatabase database, IReadOnlyList<string> ids, IEnumerable<Guid> derivedIds, ChatOptions limits,
        CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        long last;
        await using (var find = connection.CreateCommand(FindUserMessage))
        {
            find.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = ThreadId });
            find.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. ids] });
            find.Parameters.Add(new NpgsqlParameter<Guid[]>
            {
                TypedValue = [.. derivedIds, .. ids.Select(id => Guid.TryParseExact(id, "D", out var parsed) ? parsed : Guid.Empty)],
            });
            if (await find.ExecuteScalarAsync(CancellationToken.None) is not long found)
            {
                return this;
            }

            last = found;
        }

        await using var read = connection.CreateCommand(ReadMessagesThrough);
        read.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = ThreadId });
        read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = last });
        read.Parameters.Add(new() { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        read.Parameters.AddRange(LimitsOf(limits));
        await using var reader = await read.ExecuteReaderAsync(CancellationToken.None);
        var (messages, _) = await ReadMessagesAsync(reader);
        return this with { Messages = messages, HasLaterMessages = true };
    }

    /// <summary>$4 to $6 of the statements that read messages.</summary>
    private static NpgsqlParameter[] LimitsOf(ChatOptions limits)
    {
        // One character more than the limit, so that a text beyond the limit is still recognized as too long. A user's message is always
        // read whole.
        var maxCharacters = Math.Max(limits.HistoryMaxChars, JsonBody.OrdinaryLimit) + 1;
        return
        [
            new NpgsqlParameter<int> { TypedValue = limits.HistoryMaxMessages },
            new NpgsqlParameter<long> { TypedValue = (long)maxCharacters * BytesPerCharacter },
            new NpgsqlParameter<int> { TypedValue = maxCharacters },
        ];
    }

    /// <returns>
    /// The messages of a statement that reads the newest first, see <see cref="Messages"/>; and the position of the newest one.
    /// </returns>
    private static async Task<(IReadOnlyList<HistoryMessage> Messages, long LastSeq)> ReadMessagesAsync(NpgsqlDataReader reader)
    {
        var messages = new List<HistoryMessage>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            messages.Add(new HistoryMessage(
                reader.GetGuid(0), reader.GetString(1), reader.GetString(2), Text(reader, 3), Text(reader, 4), Text(reader, 5),
                Text(reader, 6),
                Text(reader, 7), Text(reader, 8), Text(reader, 9))
            {
                Seq = reader.GetInt64(10), Answers = Id(reader, 11), Replaced = ReplacedVersion.Read(Text(reader, 12)),
                Files = await reader.IsDBNullAsync(13, CancellationToken.None)
                    ? null
                    : await reader.GetFieldValueAsync<Guid[]>(13, CancellationToken.None),
            });
        }

        var lastSeq = messages.Count == 0 ? 0 : messages[0].Seq;
        messages.Reverse();
        return (ByAnswers(messages), lastSeq);
    }

    /// <param name="messages">By position, the oldest first.</param>
    /// <returns>
    /// The messages of each answer after the user message that it answers. A message of which that is unknown stays after the one before
    /// it; one whose user message was not read keeps its position.
    /// </returns>
    public static IReadOnlyList<HistoryMessage> ByAnswers(IReadOnlyList<HistoryMessage> messages)
    {
        var isInOrder = true;
        var asked = new Dictionary<Guid, long>();
        var groups = new long[messages.Count];
        for (var n = 0; n < messages.Count; n++)
        {
            var message = messages[n];
            if (message.Role == "user")
            {
                asked[message.Id] = n;
            }

            groups[n] = message.Role == "user" || n == 0 ? n
                : message.Answers is { } answers ? asked.GetValueOrDefault(answers, n)
                : groups[n - 1];
            isInOrder &= n == 0 || groups[n] >= groups[n - 1];
        }

        return isInOrder ? messages : [.. messages.Index().OrderBy(message => groups[message.Index]).Select(message => message.Item)];
    }

    /// <param name="column">
    /// The column of the stream ids, before those of the replicas and of the user messages; NULL: no turn runs.
    /// </param>
    private static IReadOnlyList<RunningTurn> RunningTurnsOf(NpgsqlDataReader reader, int column)
    {
        if (reader.IsDBNull(column))
        {
            return [];
        }

        var streams = reader.GetFieldValue<Guid[]>(column);
        var (replicas, asked) = (reader.GetFieldValue<Guid?[]>(column + 1), reader.GetFieldValue<Guid?[]>(column + 2));
        return [.. streams.Select((stream, n) => new RunningTurn(stream, replicas[n], asked[n]))];
    }

    private static Guid? Id(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetGuid(column);

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}

/// <summary>A turn that runs, on any replica.</summary>
/// <param name="Replica">The replica that runs it; null: this process.</param>
/// <param name="Asked">The user message that it answers; null if it is not known.</param>
internal sealed record RunningTurn(Guid StreamId, Guid? Replica, Guid? Asked);

/// <summary>The turn of a request with an idempotency key, as persisted.</summary>
/// <param name="Status">A <see cref="Record.MessageStatus"/>.</param>
internal sealed record TurnOfKey(RunningTurn Turn, string Status)
{
    /// <summary>
    /// Its last message exists. Otherwise another turn has replaced its answer, or it had none: the model answered nothing, or it was cut
    /// before.
    /// </summary>
    public bool HasMessage { get; init; }

    /// <summary>
    /// A turn that answers the same message and began after it has a message. One that failed before its first content replaced nothing.
    /// </summary>
    public bool HasNewerAnswer { get; init; }

    /// <summary>A turn that answers the same message and began after it runs.</summary>
    public bool HasNewerRunning { get; init; }

    /// <summary>
    /// Another turn has replaced its answer; or it was cut, and another turn has made the answer in its place or is about to.
    /// </summary>
    public bool IsReplaced =>
        Status == Record.MessageStatus.Completed ? !HasMessage && HasNewerAnswer : HasNewerAnswer || HasNewerRunning;
}

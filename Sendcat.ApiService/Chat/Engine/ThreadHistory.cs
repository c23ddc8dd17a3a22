using Npgsql;
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
/// <param name="Messages">The newest messages, the oldest of them first.</param>
internal sealed record ThreadHistory(
    Guid ThreadId, string? UserId, string? SessionId, string? ModelId, IReadOnlyList<HistoryMessage> Messages)
{
    private const string ThreadColumns = "id, user_id, session_id, model_id, message_count, title IS NOT NULL";

    private const string ReadThread = $"""
        -- read thread
        SELECT {ThreadColumns} FROM threads WHERE id = $1
        """;

    private const string ReadThreadByClientId = $"""
        -- read thread by client id
        SELECT {ThreadColumns} FROM threads WHERE id = {ThreadName.FindByClientId}
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
    private const string MessagesOf = """
        m.id, m.role, left(m.content, $6), m.status, m.tool_calls, m.tool_call_id, m.name, m.products, m.attachments, m.client_id
        FROM (
          SELECT n.*, sum(octet_length(n.content) + coalesce(octet_length(n.tool_calls::text), 0) + coalesce(octet_length(n.attachments::text), 0))
            OVER (ORDER BY n.seq DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS preceding_bytes
          FROM (
            SELECT * FROM messages WHERE
        """;

    private const string NewestMessages = """
              AND status IS DISTINCT FROM 'streaming' ORDER BY seq DESC LIMIT $4
          ) n
        ) m WHERE coalesce(m.preceding_bytes, 0) <= $5 ORDER BY m.seq DESC
        """;

    /// <summary>UTF-8 takes at most three bytes for a UTF-16 code unit.</summary>
    private const int BytesPerCharacter = 3;

    /// <summary>The model that the owner chose for this thread. Null for a thread without one, and for an invalid id of an old row.</summary>
    public string? ChosenModel => ModelCatalogue.IsModelId(ModelId) ? ModelId : null;

    /// <summary>Set for a thread that the request begins: its row is not stored yet.</summary>
    public ChatThread? Begun { get; init; }

    /// <summary>False for a thread that gets its title from its first message.</summary>
    public bool HasTitle { get; init; }

    /// <summary>Number of all messages of the thread, including those that were not read.</summary>
    public int MessageCount { get; init; }

    /// <summary>Bytes of all threads of the principal of the request; null if they were not summed up.</summary>
    public long? OwnerBytes { get; init; }

    public bool BelongsTo(Principal principal) => principal.Owns(UserId, SessionId);

    /// <summary>Reads owner, usage and messages, in one round trip if the name is the kind of id that it looks like.</summary>
    /// <param name="sumUsage">Whether to sum up the bytes of all threads of the principal.</param>
    /// <returns>Null if the principal has no such thread.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public static async Task<ThreadHistory?> ReadAsync(
        RequestDatabase database, ThreadName name, Principal principal, Quota quota, bool sumUsage, ChatOptions limits, CancellationToken cancellationToken)
    {
        foreach (var (id, clientId) in name.Lookups())
        {
            if (await ReadAsync(database, id, clientId, principal, quota, sumUsage, limits, cancellationToken) is { } thread && thread.BelongsTo(principal))
            {
                return thread;
            }
        }

        return null;
    }

    /// <param name="id">The thread's id; null: it is looked up by its client id.</param>
    private static async Task<ThreadHistory?> ReadAsync(
        RequestDatabase database, Guid? id, string? clientId, Principal principal, Quota quota, bool sumUsage, ChatOptions limits, CancellationToken cancellationToken)
    {
        NpgsqlParameter Key() => id is { } known ? new NpgsqlParameter<Guid> { TypedValue = known } : new NpgsqlParameter<string> { TypedValue = clientId! };

        // One character more than the limit, so that a text beyond the limit is still recognized as too long. A user's message is always
        // read whole.
        var maxCharacters = Math.Max(limits.HistoryMaxChars, JsonBody.OrdinaryLimit) + 1;
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
                new NpgsqlParameter<int> { TypedValue = limits.HistoryMaxMessages },
                new NpgsqlParameter<long> { TypedValue = (long)maxCharacters * BytesPerCharacter },
                new NpgsqlParameter<int> { TypedValue = maxCharacters },
            },
        });
        if (sumUsage)
        {
            var readBytes = new NpgsqlBatchCommand(principal.UserId is null ? ReadBytesOfGuest : ReadBytesOfUser);
            readBytes.Parameters.AddRange(Usage.Parameters(principal, quota));
            batch.BatchCommands.Add(readBytes);
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
        await reader.NextResultAsync(CancellationToken.None);
        var messages = new List<HistoryMessage>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            messages.Add(new HistoryMessage(
                reader.GetGuid(0), reader.GetString(1), reader.GetString(2), Text(reader, 3), Text(reader, 4), Text(reader, 5), Text(reader, 6),
                Text(reader, 7), Text(reader, 8), Text(reader, 9)));
        }

        messages.Reverse();
        long? ownerBytes = await reader.NextResultAsync(CancellationToken.None) && await reader.ReadAsync(CancellationToken.None) ? reader.GetInt64(0) : null;
        return new ThreadHistory(threadId, userId, sessionId, modelId, messages)
        {
            HasTitle = hasTitle, MessageCount = messageCount, OwnerBytes = ownerBytes,
        };
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}

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
        var readThread = new NpgsqlBatchCommand(id is null ? ThreadHistorySql.ReadThreadByClientId : ThreadHistorySql.ReadThread)
        {
            Parameters = { Key() },
        };
        if (id is null)
        {
            readThread.Parameters.AddRange(ThreadName.Parameters(principal));
        }

        batch.BatchCommands.Add(readThread);
        var principalOf = ThreadName.Parameters(principal);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(id is null ? ThreadHistorySql.ReadMessagesByClientId : ThreadHistorySql.ReadMessages)
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
            var readBytes = new NpgsqlBatchCommand(
                principal.UserId is null ? ThreadHistorySql.ReadBytesOfGuest : ThreadHistorySql.ReadBytesOfUser);
            readBytes.Parameters.AddRange(Usage.Parameters(principal, quota));
            batch.BatchCommands.Add(readBytes);
        }

        if (key is not null)
        {
            var keyOf = ThreadName.Parameters(principal);
            batch.BatchCommands.Add(new NpgsqlBatchCommand(
                id is null ? ThreadHistorySql.ReadTurnOfKeyByClientId : ThreadHistorySql.ReadTurnOfKey)
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
        await using (var find = connection.CreateCommand(ThreadHistorySql.FindUserMessage))
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

        await using var read = connection.CreateCommand(ThreadHistorySql.ReadMessagesThrough);
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

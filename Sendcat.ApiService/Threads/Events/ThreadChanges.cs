using Npgsql;
using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Threads.Events;

/// <summary>Reads what happened in a thread since a position, from Postgres alone, in one round trip.</summary>
internal sealed class ThreadChanges(RequestDatabase database)
{
    /// <summary>Messages of one read; further ones are in the next.</summary>
    private const int MaxMessages = 200;

    private const string StreamPrefix = "STREAM:";

    /// <inheritdoc cref="RequestDatabase.Outage"/>
    public RequestOutage Outage => database.Outage;

    private const string ReadOwner = """
        -- read thread owner
        SELECT user_id, session_id, coalesce((SELECT max(seq) FROM messages WHERE thread_id = $1), 0) FROM threads WHERE id = $1
        """;

    private const string CountKnown = """
        -- count known messages
        SELECT count(*)::int FROM messages WHERE thread_id = $1 AND seq <= $2
        """;

    private const string ReadMessages = """
        -- read new messages
        SELECT seq, id, role, coalesce(status, 'completed'), client_id, created_at FROM messages
        WHERE thread_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
        """;

    private const string ReadTurns = """
        -- read turns
        SELECT id, message_id, status, (SELECT seq FROM messages WHERE id = stream_sessions.message_id) FROM stream_sessions
        WHERE thread_id = $1 AND (status = 'streaming' OR id = ANY($2)
          OR message_id IN (SELECT id FROM messages WHERE thread_id = $1 AND seq > $3))
        ORDER BY started_at, id
        """;

    /// <param name="since">Null: the present state, without the events that led to it.</param>
    /// <returns>
    /// The events with the position after each; the last one is <see cref="ThreadEvent.Closed"/> when the thread is gone.
    /// </returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<IReadOnlyList<(ThreadEvent Event, ThreadPosition Position)>> ReadAsync(
        Guid threadId, Principal principal, ThreadPosition? since, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        if (since is null)
        {
            return await StartAsync(connection, threadId, principal, cancellationToken);
        }

        await using var batch = connection.CreateBatch();
        batch.BatchCommands.Add(Command(ReadOwner, threadId));
        batch.BatchCommands.Add(Command(CountKnown, threadId, new NpgsqlParameter<long> { TypedValue = since.Seq }));
        batch.BatchCommands.Add(Command(
            ReadMessages, threadId, new NpgsqlParameter<long> { TypedValue = since.Seq },
            new NpgsqlParameter<int> { TypedValue = MaxMessages }));
        batch.BatchCommands.Add(Command(
            ReadTurns, threadId, new NpgsqlParameter<Guid[]> { TypedValue = [.. since.Turns] },
            new NpgsqlParameter<long> { TypedValue = since.Seq }));
        await using var rows = await batch.ExecuteReaderAsync(CancellationToken.None);
        if (!await IsOwnedAsync(rows, principal, cancellationToken))
        {
            return [(new ThreadEvent.Closed(), since)];
        }

        await rows.NextResultAsync(CancellationToken.None);
        await rows.ReadAsync(CancellationToken.None);
        var known = rows.GetInt32(0);

        await rows.NextResultAsync(CancellationToken.None);
        var messages = new List<MessageRow>();
        while (await rows.ReadAsync(CancellationToken.None))
        {
            var clientId = await rows.IsDBNullAsync(4, cancellationToken) ? null : rows.GetString(4);
            messages.Add(new(rows.GetInt64(0), new(rows.GetGuid(1), rows.GetString(2), rows.GetString(3), clientId, rows.GetDateTime(5))));
        }

        await rows.NextResultAsync(CancellationToken.None);
        var turns = new List<TurnRow>();
        while (await rows.ReadAsync(CancellationToken.None))
        {
            long? seq = await rows.IsDBNullAsync(3, cancellationToken) ? null : rows.GetInt64(3);
            turns.Add(new(rows.GetGuid(0), rows.GetGuid(1), rows.GetString(2), seq));
        }

        return Since(since, known, messages, turns);
    }

    /// <summary>The events that lead from a position to what was read. The turns may have been read later than the messages.</summary>
    /// <param name="since">The position of the reader.</param>
    /// <param name="known">The messages that the thread has up to the position now.</param>
    /// <param name="messages">The messages after the position, by ascending number.</param>
    /// <param name="turns">The turns that run, that the position has, or that wrote messages after the position.</param>
    internal static IReadOnlyList<(ThreadEvent Event, ThreadPosition Position)> Since(
        ThreadPosition since, int known, IReadOnlyList<MessageRow> messages, IReadOnlyList<TurnRow> turns)
    {
        var events = new List<(ThreadEvent, ThreadPosition)>();
        var position = since;
        if (known != position.Count)
        {
            Add(new ThreadEvent.MessagesChanged(), position with { Count = known });
        }

        foreach (var (seq, message) in messages)
        {
            Add(message, position with { Seq = seq, Count = position.Count + 1 });
        }

        var gone = position.Turns.ToHashSet();
        foreach (var (id, message, status, messageSeq) in turns)
        {
            gone.Remove(id);
            var isKnown = position.Turns.Contains(id);
            if (messageSeq > position.Seq)
            {
                // Its message was committed after the messages were read. The next read reports the message, then of the turn.
            }
            else if (status == "streaming" && !isKnown)
            {
                Add(new ThreadEvent.TurnStarted(StreamPrefix + id, message), position with { Turns = [.. position.Turns, id] });
            }
            else if (status != "streaming" && isKnown)
            {
                Add(new ThreadEvent.TurnEnded(StreamPrefix + id, message, status), Without(id));
            }
            else if (status != "streaming" && messageSeq > since.Seq)
            {
                // It began and ended since the position.
                Add(new ThreadEvent.TurnStarted(StreamPrefix + id, message), position with { Turns = [.. position.Turns, id] });
                Add(new ThreadEvent.TurnEnded(StreamPrefix + id, message, status), Without(id));
            }
        }

        // The messages that these turns answered were deleted, and the turns with them.
        if (gone.Count > 0 && known == since.Count)
        {
            Add(new ThreadEvent.MessagesChanged(), position);
        }

        foreach (var id in gone)
        {
            Add(new ThreadEvent.TurnEnded(StreamPrefix + id, null, ThreadEvent.TurnEnded.Removed), Without(id));
        }

        return events;

        void Add(ThreadEvent threadEvent, ThreadPosition after) => events.Add((threadEvent, position = after));

        ThreadPosition Without(Guid turn) => position with { Turns = [.. position.Turns.Where(other => other != turn)] };
    }

    private static async Task<IReadOnlyList<(ThreadEvent Event, ThreadPosition Position)>> StartAsync(
        BoundedConnection connection, Guid threadId, Principal principal, CancellationToken cancellationToken)
    {
        long seq;
        var nothing = new ThreadPosition(0, 0, []);
        await using (var reading = Single(connection, ReadOwner, threadId))
        await using (var rows = await reading.ExecuteReaderAsync(CancellationToken.None))
        {
            if (!await IsOwnedAsync(rows, principal, cancellationToken))
            {
                return [(new ThreadEvent.Closed(), nothing)];
            }

            seq = rows.GetInt64(2);
        }

        await using var counting = Single(connection, CountKnown, threadId, new NpgsqlParameter<long> { TypedValue = seq });
        return [(new ThreadEvent.Ready(), new(seq, (int)(await counting.ExecuteScalarAsync(CancellationToken.None))!, []))];
    }

    private static async Task<bool> IsOwnedAsync(NpgsqlDataReader rows, Principal principal, CancellationToken cancellationToken) =>
        await rows.ReadAsync(CancellationToken.None)
        && ThreadAccess.Permits(
            principal, new(await rows.IsDBNullAsync(0, cancellationToken) ? null : rows.GetString(0), rows.GetString(1)));

    private static NpgsqlBatchCommand Command(string sql, Guid threadId, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = threadId });
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static NpgsqlCommand Single(
        BoundedConnection connection, string sql, Guid threadId, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = connection.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = threadId });
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <param name="Seq">The number of the message in the thread.</param>
    /// <param name="Message">What is reported of it.</param>
    internal readonly record struct MessageRow(long Seq, ThreadEvent.Message Message);

    /// <param name="Id">The stream id of the turn.</param>
    /// <param name="MessageId">The last message that it wrote.</param>
    /// <param name="Status"><c>streaming</c> while it runs.</param>
    /// <param name="MessageSeq">The number of that message; null: it was deleted.</param>
    internal readonly record struct TurnRow(Guid Id, Guid MessageId, string Status, long? MessageSeq);
}

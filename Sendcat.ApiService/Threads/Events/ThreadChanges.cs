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
        SELECT seq, id, role, coalesce(status, 'completed'), client_id, created_at FROM messages WHERE thread_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
        """;

    private const string ReadTurns = """
        -- read turns
        SELECT id, message_id, status FROM stream_sessions
        WHERE thread_id = $1 AND (status = 'streaming' OR id = ANY($2) OR message_id IN (SELECT id FROM messages WHERE thread_id = $1 AND seq > $3))
        ORDER BY started_at, id
        """;

    /// <param name="since">Null: the present state, without the events that led to it.</param>
    /// <returns>The events with the position after each; the last one is <see cref="ThreadEvent.Closed"/> when the thread is gone.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<IReadOnlyList<(ThreadEvent Event, ThreadPosition Position)>> ReadAsync(
        Guid threadId, Principal principal, ThreadPosition? since, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        if (since is null)
        {
            return await StartAsync(connection, threadId, principal, cancellationToken);
        }

        var events = new List<(ThreadEvent, ThreadPosition)>();
        await using var batch = connection.CreateBatch();
        batch.BatchCommands.Add(Command(ReadOwner, threadId));
        batch.BatchCommands.Add(Command(CountKnown, threadId, new NpgsqlParameter<long> { TypedValue = since.Seq }));
        batch.BatchCommands.Add(Command(
            ReadMessages, threadId, new NpgsqlParameter<long> { TypedValue = since.Seq }, new NpgsqlParameter<int> { TypedValue = MaxMessages }));
        batch.BatchCommands.Add(Command(
            ReadTurns, threadId, new NpgsqlParameter<Guid[]> { TypedValue = [.. since.Turns] }, new NpgsqlParameter<long> { TypedValue = since.Seq }));
        await using var rows = await batch.ExecuteReaderAsync(CancellationToken.None);
        var position = since;
        if (!await IsOwnedAsync(rows, principal, cancellationToken))
        {
            return [(new ThreadEvent.Closed(), position)];
        }

        await rows.NextResultAsync(CancellationToken.None);
        await rows.ReadAsync(CancellationToken.None);
        if (rows.GetInt32(0) is var known && known != position.Count)
        {
            Add(new ThreadEvent.MessagesChanged(), position with { Count = known });
        }

        await rows.NextResultAsync(CancellationToken.None);
        var newMessages = new HashSet<Guid>();
        while (await rows.ReadAsync(CancellationToken.None))
        {
            newMessages.Add(rows.GetGuid(1));
            var clientId = await rows.IsDBNullAsync(4, cancellationToken) ? null : rows.GetString(4);
            Add(
                new ThreadEvent.Message(rows.GetGuid(1), rows.GetString(2), rows.GetString(3), clientId, rows.GetDateTime(5)),
                position with { Seq = rows.GetInt64(0), Count = position.Count + 1 });
        }

        await rows.NextResultAsync(CancellationToken.None);
        await AddTurnsAsync(rows);
        return events;

        void Add(ThreadEvent threadEvent, ThreadPosition after) => events.Add((threadEvent, position = after));

        async Task AddTurnsAsync(NpgsqlDataReader turns)
        {
            var gone = position.Turns.ToHashSet();
            while (await turns.ReadAsync(cancellationToken))
            {
                var (id, message, status) = (turns.GetGuid(0), turns.GetGuid(1), turns.GetString(2));
                gone.Remove(id);
                var isKnown = position.Turns.Contains(id);
                if (status == "streaming" && !isKnown)
                {
                    Add(new ThreadEvent.TurnStarted(StreamPrefix + id, message), position with { Turns = [.. position.Turns, id] });
                }
                else if (status != "streaming" && isKnown)
                {
                    Add(new ThreadEvent.TurnEnded(StreamPrefix + id, message, status), Without(id));
                }
                else if (status != "streaming" && newMessages.Contains(message))
                {
                    // It began and ended since the position. A message that was committed after the messages were read is in the next read.
                    Add(new ThreadEvent.TurnStarted(StreamPrefix + id, message), position with { Turns = [.. position.Turns, id] });
                    Add(new ThreadEvent.TurnEnded(StreamPrefix + id, message, status), Without(id));
                }
            }

            // The messages of these turns were deleted, and the turns with them.
            foreach (var id in gone)
            {
                Add(new ThreadEvent.MessagesChanged(), Without(id));
            }
        }

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
        && ThreadAccess.Permits(principal, new(await rows.IsDBNullAsync(0, cancellationToken) ? null : rows.GetString(0), rows.GetString(1)));

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

    private static NpgsqlCommand Single(BoundedConnection connection, string sql, Guid threadId, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = connection.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = threadId });
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }
}

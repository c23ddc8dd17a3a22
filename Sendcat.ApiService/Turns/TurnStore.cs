using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Chat.Record;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Turns;

/// <summary>Reads stored turns, for operators.</summary>
internal sealed class TurnStore(RequestDatabase database)
{
    private const string Columns = """
        s.id, s.thread_id, s.message_id, s.user_message_id, s.replica_id, s.principal, s.status, s.started_at, s.ended_at, s.trace_id,
            s.trail,
          (SELECT m.model_id FROM messages m WHERE m.id = s.message_id),
          coalesce((SELECT r.last_heartbeat > clock_timestamp() - INTERVAL '4 seconds' FROM replicas r WHERE r.id = s.replica_id), FALSE)
        """;

    // The ids of turns are in the order of their times.
    private const string List = $"""
        -- list turns
        SELECT {Columns} FROM stream_sessions s WHERE @before::uuid IS NULL OR s.id < @before ORDER BY s.id DESC LIMIT @most
        """;

    private const string Find = $"""
        -- find turn
        SELECT {Columns} FROM stream_sessions s WHERE s.id = @stream
        """;

    // The ids that clients give messages are looked for among the newest turns only, because no index begins with them; and the message of
    // a turn that replaces an answer is not stored before its first content.
    private const string Search = $"""
        -- search turns
        WITH newest AS (
          SELECT id, thread_id, message_id FROM stream_sessions ORDER BY id DESC LIMIT 5000
        ), found AS (
          SELECT id FROM stream_sessions WHERE id = @stream
          UNION SELECT id FROM stream_sessions WHERE trace_id = @trace
          UNION SELECT id FROM stream_sessions WHERE thread_id = @thread
          UNION SELECT o.id FROM threads t JOIN stream_sessions o ON o.thread_id = t.id WHERE t.client_id = @client_thread
          UNION SELECT o.id FROM messages m JOIN stream_sessions o ON o.thread_id = m.thread_id
            WHERE m.id = @message AND (o.message_id = m.id OR o.user_message_id = m.id OR o.user_message_id = m.answers_id)
          UNION SELECT n.id FROM newest n WHERE @message::uuid IS NOT NULL AND n.message_id = @message
          UNION SELECT o.id FROM newest n JOIN messages m ON m.thread_id = n.thread_id AND m.client_id = @client_message
            JOIN stream_sessions o ON o.thread_id = m.thread_id AND o.user_message_id = m.id
            WHERE @client_message::text IS NOT NULL
        )
        SELECT {Columns} FROM stream_sessions s JOIN found f ON f.id = s.id
        WHERE @before::uuid IS NULL OR s.id < @before ORDER BY s.id DESC LIMIT @most
        """;

    /// <summary>The turns that match, the newest first.</summary>
    /// <param name="before">The id of the last turn of the previous page; null: the first page.</param>
    public Task<IReadOnlyList<StoredTurn>> ListAsync(TurnFilter filter, Guid? before, int limit, CancellationToken cancellationToken)
    {
        NpgsqlParameter[] page = [Id("before", before), new("most", limit)];
        return filter.MatchesAll ? ReadAsync(List, page, cancellationToken) : ReadAsync(
            Search,
            [
                .. page, Id("stream", filter.Stream), Id("trace", filter.Trace), Id("thread", filter.Thread), Id("message", filter.Message),
                Text("client_thread", filter.ClientThread), Text("client_message", filter.ClientMessage),
            ],
            cancellationToken);
    }

    /// <returns>Null: it is not stored.</returns>
    public async Task<StoredTurn?> FindAsync(Guid stream, CancellationToken cancellationToken) =>
        await ReadAsync(Find, [Id("stream", stream)], cancellationToken) is [var turn] ? turn : null;

    private static NpgsqlParameter Id(string name, Guid? id) => new(name, NpgsqlDbType.Uuid) { Value = (object?)id ?? DBNull.Value };

    private static NpgsqlParameter Text(string name, string? text) =>
        new(name, NpgsqlDbType.Text) { Value = (object?)text ?? DBNull.Value };

    private async Task<IReadOnlyList<StoredTurn>> ReadAsync(string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var turns = new List<StoredTurn>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            turns.Add(Read(reader));
        }

        return turns;
    }

    private static StoredTurn Read(NpgsqlDataReader reader) => new()
    {
        Id = reader.GetGuid(0),
        ThreadId = reader.GetGuid(1),
        MessageId = reader.GetGuid(2),
        UserMessageId = reader.IsDBNull(3) ? null : reader.GetGuid(3),
        ReplicaId = reader.GetGuid(4),
        Principal = reader.GetString(5),
        Status = reader.GetString(6),
        StartedAt = reader.GetFieldValue<DateTimeOffset>(7),
        EndedAt = reader.IsDBNull(8) ? null : reader.GetFieldValue<DateTimeOffset>(8),
        TraceId = reader.IsDBNull(9) ? null : reader.GetGuid(9),
        Trail = reader.IsDBNull(10) ? null : TrailOf(reader.GetString(10)),
        Model = reader.IsDBNull(11) ? null : reader.GetString(11),
        ReplicaLives = reader.GetBoolean(12),
    };

    private static TrailEntries? TrailOf(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, TrailJson.Default.TrailEntries);
        }
        catch (JsonException)
        {
            // Another build wrote it in another format.
            return null;
        }
    }
}

internal sealed record StoredTurn
{
    public required Guid Id { get; init; }

    public required Guid ThreadId { get; init; }

    public required Guid MessageId { get; init; }

    public Guid? UserMessageId { get; init; }

    public required Guid ReplicaId { get; init; }

    /// <summary>The key of the principal; not masked.</summary>
    public required string Principal { get; init; }

    /// <summary><c>streaming</c>, <c>completed</c>, <c>error</c> or <c>aborted</c>.</summary>
    public required string Status { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public Guid? TraceId { get; init; }

    /// <summary>Null: unknown, for a turn of an earlier build.</summary>
    public TrailEntries? Trail { get; init; }

    /// <summary>The model of its last message.</summary>
    public string? Model { get; init; }

    public required bool ReplicaLives { get; init; }

    public bool IsRunning => Status == MessageStatus.Streaming;

    /// <summary>The first token of the turn; null: none has arrived, or it is unknown.</summary>
    public DateTimeOffset? FirstTokenAt => Trail?.Calls.Select(call => call.FirstTokenAt).FirstOrDefault(at => at is not null);
}

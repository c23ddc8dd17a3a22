using Npgsql;
using NpgsqlTypes;
using Sendcat.Reliability.Database;

namespace Sendcat.Reliability.Events;

/// <summary>The written events of limits, admission and circuits, for operators.</summary>
public sealed class EventHistory(RequestDatabase database)
{
    private const string Filter = """
        ($1::text IS NULL OR source = $1) AND ($2::text IS NULL OR bucket = $2) AND ($3::text IS NULL OR outcome = $3)
            AND ($4::text IS NULL OR reason = $4) AND ($5::text IS NULL OR key = $5) AND ($6::timestamptz IS NULL OR created_at >= $6)
        """;

    private const string List = $"""
        -- list rate limit events
        SELECT id, source, bucket, key, outcome, reason, retry_after_ms, path, method, hits, created_at FROM reliability.rate_limit_events
        WHERE {Filter} AND id < $7 ORDER BY id DESC LIMIT $8
        """;

    // The index of the time begins with the outcome.
    private const string Count = """
        -- count rate limit events
        SELECT source, bucket, outcome, coalesce(reason, 'none'), sum(hits)::bigint FROM reliability.rate_limit_events
        WHERE outcome = ANY(ARRAY['allowed', 'blocked', 'contention_fallback']) AND created_at >= $1 GROUP BY 1, 2, 3, 4
        """;

    /// <summary>The newest events that match the filter.</summary>
    /// <param name="before">Id of the last event of the previous page; null: the first page.</param>
    /// <param name="limit">Most events to return.</param>
    public async Task<IReadOnlyList<WrittenEvent>> ListAsync(
        EventFilter filter, long? before, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(List);
        foreach (var text in new[] { filter.Source, filter.Bucket, filter.Outcome, filter.Reason, filter.Key })
        {
            command.Parameters.Add(new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        }

        command.Parameters.Add(new() { Value = (object?)filter.Since ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = before ?? long.MaxValue });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var events = new List<WrittenEvent>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            events.Add(new(reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4))
            {
                Reason = Text(reader, 5),
                RetryAfterMs = await reader.IsDBNullAsync(6, CancellationToken.None) ? null : reader.GetInt32(6),
                Path = Text(reader, 7),
                Method = Text(reader, 8),
                Hits = reader.GetInt32(9),
                At = await reader.GetFieldValueAsync<DateTimeOffset>(10, CancellationToken.None),
            });
        }

        return events;
    }

    /// <summary>Counts all events since a time by source, bucket, outcome and reason.</summary>
    public async Task<IReadOnlyList<EventTotal>> CountAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(Count);
        command.Parameters.Add(new() { Value = since, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var totals = new List<EventTotal>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            totals.Add(new(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetInt64(4)));
        }

        return totals;
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}

/// <summary>Selects events. A null property matches all.</summary>
/// <param name="Since">Inclusive.</param>
public sealed record EventFilter(string? Source, string? Bucket, string? Outcome, string? Reason, string? Key, DateTimeOffset? Since);

/// <summary>One outcome for one key in a time slot of five seconds.</summary>
/// <param name="Key">Principals are masked.</param>
public sealed record WrittenEvent(long Id, string Source, string Bucket, string Key, string Outcome)
{
    public string? Reason { get; init; }

    public int? RetryAfterMs { get; init; }

    public string? Path { get; init; }

    public string? Method { get; init; }

    /// <summary>How often it occurred in the time slot, over all replicas.</summary>
    public required int Hits { get; init; }

    public required DateTimeOffset At { get; init; }
}

/// <param name="Reason"><c>none</c> without one.</param>
public sealed record EventTotal(string Source, string Bucket, string Outcome, string Reason, long Hits);

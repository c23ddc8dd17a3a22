using Npgsql;
using Sendcat.Reliability.Database;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>Reads single jobs, for operators.</summary>
public sealed class ToolJobHistory(RequestDatabase database)
{
    /// <returns>Null: there is no such job; it may have been deleted after its retention time.</returns>
    public async Task<ToolJobRow?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- find tool job
            SELECT tool, qos_class, principal, status, attempts, max_attempts, replay_count, waiters, created_at, available_at, started_at, completed_at,
                lease_owner, lease_expires_at, dead_letter_reason, last_error, error_fingerprint, args, history::text, trace_parent
            FROM reliability.tool_jobs WHERE id = $1
            """);
        command.Parameters.Add(new() { Value = id });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        return await reader.ReadAsync(CancellationToken.None) ? Read(id, reader) : null;
    }

    private static ToolJobRow Read(Guid id, NpgsqlDataReader reader) => new(id, reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3))
    {
        Attempts = reader.GetInt32(4),
        MaxAttempts = reader.GetInt32(5),
        ReplayCount = reader.GetInt32(6),
        Waiters = reader.GetInt32(7),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(8),
        AvailableAt = reader.GetFieldValue<DateTimeOffset>(9),
        StartedAt = Time(reader, 10),
        CompletedAt = Time(reader, 11),
        LeaseOwner = Text(reader, 12),
        LeaseExpiresAt = Time(reader, 13),
        DeadLetterReason = Text(reader, 14),
        LastError = Text(reader, 15),
        Fingerprint = Text(reader, 16),
        Arguments = reader.GetString(17),
        History = reader.GetString(18),
        TraceParent = Text(reader, 19),
    };

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);
}

/// <summary>One job.</summary>
/// <param name="Status"><c>queued</c>, <c>running</c>, <c>completed</c>, <c>failed</c>, <c>dead_letter</c> or <c>cancelled</c>.</param>
public sealed record ToolJobRow(Guid Id, string Tool, string QosClass, string Principal, string Status)
{
    public required int Attempts { get; init; }

    public required int MaxAttempts { get; init; }

    public required int ReplayCount { get; init; }

    /// <summary>Turns that wait for the job.</summary>
    public required int Waiters { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The time at which it is, or was, due.</summary>
    public required DateTimeOffset AvailableAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>The worker of its last attempt.</summary>
    public string? LeaseOwner { get; init; }

    public DateTimeOffset? LeaseExpiresAt { get; init; }

    public string? DeadLetterReason { get; init; }

    public string? LastError { get; init; }

    public string? Fingerprint { get; init; }

    public required string Arguments { get; init; }

    /// <summary>A JSON array with one object for each failed attempt, over all replays.</summary>
    public required string History { get; init; }

    public string? TraceParent { get; init; }
}

using Npgsql;
using Sendcat.Reliability.Database;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>Reads single jobs, for operators.</summary>
public sealed class ToolJobHistory(RequestDatabase database)
{
    private const string Find = """
        -- find tool jobs
        SELECT id, tool, qos_class, principal, status, attempts, max_attempts, replay_count, waiters, created_at, available_at, started_at,
            completed_at,
            lease_owner, lease_expires_at, dead_letter_reason, last_error, error_fingerprint, args, history::text, trace_parent
        FROM reliability.tool_jobs WHERE id = ANY($1)
        """;

    // Both sides of the comparison use the index of the queued jobs of a tool.
    private const string Positions = """
        -- find positions of jobs
        SELECT j.id, (
            SELECT count(*) FROM reliability.tool_jobs o
            WHERE o.tool = j.tool AND o.status = 'queued' AND (o.fair_at, o.id) < (j.fair_at, j.id) AND o.available_at <=
                statement_timestamp())::int
        FROM reliability.tool_jobs j WHERE j.id = ANY($1) AND j.status = 'queued'
        """;

    /// <returns>Null: there is no such job; it may have been deleted after its retention time.</returns>
    public async Task<ToolJobRow?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        await FindAllAsync([id], cancellationToken) is [var job] ? job : null;

    /// <returns>Those of the jobs that exist.</returns>
    public async Task<IReadOnlyList<ToolJobRow>> FindAllAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(Find);
        command.Parameters.Add(new() { Value = ids.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var jobs = new List<ToolJobRow>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            jobs.Add(Read(reader));
        }

        return jobs;
    }

    /// <returns>For each of the jobs that is queued, how many due jobs of its lane run before it.</returns>
    public async Task<IReadOnlyDictionary<Guid, int>> PositionsAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(Positions);
        command.Parameters.Add(new() { Value = ids.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var positions = new Dictionary<Guid, int>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            positions[reader.GetGuid(0)] = reader.GetInt32(1);
        }

        return positions;
    }

    private static ToolJobRow Read(NpgsqlDataReader reader) =>
        new(reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4))
    {
        Attempts = reader.GetInt32(5),
        MaxAttempts = reader.GetInt32(6),
        ReplayCount = reader.GetInt32(7),
        Waiters = reader.GetInt32(8),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(9),
        AvailableAt = reader.GetFieldValue<DateTimeOffset>(10),
        StartedAt = Time(reader, 11),
        CompletedAt = Time(reader, 12),
        LeaseOwner = Text(reader, 13),
        LeaseExpiresAt = Time(reader, 14),
        DeadLetterReason = Text(reader, 15),
        LastError = Text(reader, 16),
        Fingerprint = Text(reader, 17),
        Arguments = reader.GetString(18),
        History = reader.GetString(19),
        TraceParent = Text(reader, 20),
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

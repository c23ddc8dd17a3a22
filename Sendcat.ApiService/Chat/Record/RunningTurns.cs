using Npgsql;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// Which turns run, from Postgres. A turn is there from its first commit on, some 50 ms after its start; that of a dead replica until it
/// is reaped.
/// </summary>
internal sealed class RunningTurns(RequestDatabase database)
{
    private const string FindRunning = """
        -- find running turn
        SELECT id FROM stream_sessions WHERE thread_id = $1 AND status = 'streaming' ORDER BY started_at DESC LIMIT 1
        """;

    // $2: the age of a heartbeat from which its replica may be dead.
    private const string FindLiving = """
        -- find turn of a living replica
        SELECT EXISTS (
          SELECT FROM stream_sessions s JOIN replicas r ON r.id = s.replica_id
          WHERE s.id = $1 AND s.status = 'streaming' AND r.last_heartbeat > clock_timestamp() - $2)
        """;

    /// <summary>
    /// A replica whose last heartbeat is older is taken for dead. Sooner than the reaper does it, so that a client does not have to wait
    /// for the reaper.
    /// </summary>
    public static readonly TimeSpan MaxHeartbeatAge = 2 * ReplicaHeartbeat.Interval;

    /// <summary>Whether the turn runs and its replica lives, so that a turn that cannot be followed must not be replaced.</summary>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<bool> IsAliveAsync(Guid streamId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(FindLiving);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = streamId });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = MaxHeartbeatAge });
        return await command.ExecuteScalarAsync(CancellationToken.None) is true;
    }

    /// <returns>The stream id of the thread's newest running turn; null: none runs.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<Guid?> NewestAsync(Guid threadId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(FindRunning);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = threadId });
        return await command.ExecuteScalarAsync(CancellationToken.None) as Guid?;
    }
}

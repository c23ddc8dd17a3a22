using Npgsql;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// Whether a turn runs, from Postgres. A turn is there from its first commit on, some 50 ms after its start; that of a dead replica until it
/// is reaped.
/// </summary>
internal sealed class RunningTurns(RequestDatabase database)
{
    private const string FindRunning = """
        -- find running turn
        SELECT EXISTS (SELECT FROM stream_sessions WHERE thread_id = $1 AND status = 'streaming')
        """;

    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<bool> AnyAsync(Guid threadId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(FindRunning);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = threadId });
        return await command.ExecuteScalarAsync(CancellationToken.None) is true;
    }
}

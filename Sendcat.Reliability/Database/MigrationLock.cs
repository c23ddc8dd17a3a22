using Npgsql;

namespace Sendcat.Reliability.Database;

/// <summary>
/// The advisory lock that serializes migrations: all replicas and all contexts of the database migrate one after the other.
/// </summary>
public sealed class MigrationLock : IAsyncDisposable
{
    /// <summary>Key of the advisory lock: "sendcat" in ASCII.</summary>
    public const long Key = 0x73656E64636174;

    private const string Lock = """
        -- lock schema
        SELECT pg_advisory_lock($1)
        """;

    private const string Unlock = """
        -- unlock schema
        SELECT pg_advisory_unlock($1)
        """;

    private readonly NpgsqlConnection _connection;

    private MigrationLock(NpgsqlConnection connection) => _connection = connection;

    /// <summary>Waits until no other process migrates, at most 300 s. Dispose the lock after the migration.</summary>
    /// <exception cref="NpgsqlException">Postgres is unavailable, or the wait timed out.</exception>
    public static async Task<MigrationLock> AcquireAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            await using var command = new NpgsqlCommand(Lock, connection) { CommandTimeout = 300, Parameters = { new() { Value = Key } } };
            await command.ExecuteNonQueryAsync(cancellationToken);
            return new(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await using (_connection)
        {
            if (_connection.State is System.Data.ConnectionState.Open)
            {
                await using var command = new NpgsqlCommand(Unlock, _connection) { Parameters = { new() { Value = Key } } };
                await command.ExecuteNonQueryAsync();
            }
        }
    }
}

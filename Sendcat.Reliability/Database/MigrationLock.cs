using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Npgsql;

namespace Sendcat.Reliability.Database;

/// <summary>
/// The advisory lock that serializes migrations: all replicas and all contexts of the database migrate one after the other.
/// </summary>
public sealed class MigrationLock : IAsyncDisposable
{
    /// <summary>Key of the advisory lock: "sendcat" in ASCII.</summary>
    public const long Key = 0x73656E64636174;

    // A connection of the API has timeouts, and the wait for another replica that migrates takes longer.
    private const string LiftTimeouts = """
        -- lift timeouts
        SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)
        """;

    private const string RestoreTimeouts = """
        -- restore timeouts
        SELECT set_config(name, reset_val, false) FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout')
        """;

    private const string Lock = """
        -- lock schema
        SELECT pg_advisory_lock($1)
        """;

    private const string Unlock = """
        -- unlock schema
        SELECT pg_advisory_unlock($1)
        """;

    private static readonly TimeSpan MigrationTimeout = TimeSpan.FromHours(1);

    private readonly NpgsqlConnection _connection;

    private MigrationLock(NpgsqlConnection connection) => _connection = connection;

    /// <summary>Waits until no other process migrates, at most 300 s. Dispose the lock after the migration.</summary>
    /// <exception cref="NpgsqlException">Postgres is unavailable, or the wait timed out.</exception>
    public static async Task<MigrationLock> AcquireAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            await using var lift = new NpgsqlCommand(LiftTimeouts, connection);
            await lift.ExecuteNonQueryAsync(cancellationToken);
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

    /// <summary>
    /// Applies the pending migrations of the context. They may take long, so neither the client nor the server limits their statements.
    /// </summary>
    public static async Task MigrateAsync(DatabaseFacade database, CancellationToken cancellationToken)
    {
        database.SetCommandTimeout(MigrationTimeout);
        await database.OpenConnectionAsync(cancellationToken);
        try
        {
            await database.ExecuteSqlRawAsync(LiftTimeouts, cancellationToken);
            await database.MigrateAsync(cancellationToken);
            await database.ExecuteSqlRawAsync(RestoreTimeouts, cancellationToken);
        }
        finally
        {
            await database.CloseConnectionAsync();
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
                await using var restore = new NpgsqlCommand(RestoreTimeouts, _connection);
                await restore.ExecuteNonQueryAsync();
            }
        }
    }
}

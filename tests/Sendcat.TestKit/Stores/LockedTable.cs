using Npgsql;

namespace Sendcat.TestKit.Stores;

/// <summary>
/// A table that a test has locked, so that a request waits at one of its statements until the test releases it. Dispose releases it, too.
/// </summary>
public sealed class LockedTable : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    private readonly NpgsqlDataSource _database;
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private LockedTable(NpgsqlDataSource database, NpgsqlConnection connection, NpgsqlTransaction transaction) =>
        (_database, _connection, _transaction) = (database, connection, transaction);

    /// <param name="mode">A lock mode of Postgres, for example <c>EXCLUSIVE</c>, which lets others read.</param>
    public static async Task<LockedTable> LockAsync(string database, string table, string mode)
    {
        var source = NpgsqlDataSource.Create(database);
        var connection = await source.OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        await using var locking = new NpgsqlCommand($"LOCK TABLE {table} IN {mode} MODE", connection, transaction);
        await locking.ExecuteNonQueryAsync();
        return new(source, connection, transaction);
    }

    /// <summary>Waits until a statement of this name (the comment in its first line) waits for a lock. Nothing reports that.</summary>
    /// <exception cref="OperationCanceledException">None does within 60 s.</exception>
    public async Task WaitForAsync(string statement)
    {
        using var timeout = new CancellationTokenSource(MaxWait);
        using var timer = new PeriodicTimer(Interval);
        while (true)
        {
            await using var waiting = _database.CreateCommand(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
                + "AND query LIKE '%-- ' || $1 || E'\n%')");
            waiting.Parameters.Add(new() { Value = statement });
            if (await waiting.ExecuteScalarAsync(timeout.Token) is true)
            {
                return;
            }

            await timer.WaitForNextTickAsync(timeout.Token);
        }
    }

    public async Task ReleaseAsync() => await _transaction.RollbackAsync();

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _connection.DisposeAsync();
        await _database.DisposeAsync();
    }
}

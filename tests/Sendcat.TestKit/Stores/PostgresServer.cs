using System.Globalization;
using Npgsql;
using Sendcat.TestKit.Processes;

namespace Sendcat.TestKit.Stores;

/// <summary>A PostgreSQL server. It starts in some 300 ms from a copy of a data folder that is created once per machine.</summary>
public sealed class PostgresServer : StoreServer
{
    private readonly PostgresBinaries _binaries = PostgresBinaries.Find();
    private readonly bool _durable;
    private int _lastDatabase;

    private PostgresServer(bool durable)
        // A test creates hundreds of databases of hundreds of files. Creating the files costs more CPU time on a disk than the rest of the
        // test.
        : base(new TestFolder("postgres", inMemory: !durable)) => _durable = durable;

    /// <summary>
    /// The connection string of the maintenance database <c>postgres</c>. A test creates its own database with
    /// <see cref="CreateDatabaseAsync"/>.
    /// </summary>
    public string ConnectionString => ConnectionStringOf("postgres");

    private protected override UnixSignal StopSignal => UnixSignal.Interrupt;

    private string Data => Folder["data"];

    /// <summary>Starts a server on a free port.</summary>
    /// <param name="durable">
    /// True: fsync and pools of connections as in production, for measurements. False: commits survive kill -9 of the server, but not a
    /// power failure.
    /// </param>
    public static Task<PostgresServer> StartAsync(bool durable = false) => StartFirstAsync(new PostgresServer(durable));

    /// <summary>Creates a database.</summary>
    /// <param name="template">
    /// The database to copy, for instance a migrated one; it must not have connections. Null: an empty database.
    /// </param>
    /// <returns>The connection string of the new database.</returns>
    public async Task<string> CreateDatabaseAsync(string? template = null)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref _lastDatabase)}");
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();

        // Copying the files costs half of the CPU time of copying the blocks through the log, which is the default.
        await using var command = new NpgsqlCommand(
            $"CREATE DATABASE \"{name}\" TEMPLATE \"{template ?? "template0"}\" STRATEGY file_copy", connection);
        await command.ExecuteNonQueryAsync();
        return ConnectionStringOf(name);
    }

    private protected override bool IsReadyLine(string line) =>
        line.Contains("database system is ready to accept connections", StringComparison.Ordinal);

    private protected override async Task<ProcessSpec> PrepareAsync()
    {
        if (!Directory.Exists(Data))
        {
            await _binaries.CopyFreshDataAsync(Folder.Path, Data);
        }

        string[] fastSettings = _durable ? [] : ["-c", "fsync=off", "-c", "full_page_writes=off"];
        return new ProcessSpec(
            _binaries.Postgres,
            [
                "-D", Data,
                "-p", Port.ToString(CultureInfo.InvariantCulture),
                "-c", "listen_addresses=127.0.0.1",
                "-c", "unix_socket_directories=",
                "-c", "max_connections=1000",
                "-c", "shared_buffers=64MB",
                "-c", "logging_collector=off",
                .. fastSettings,
            ])
        { WorkingDirectory = Data, UserWhenRoot = PostgresBinaries.Account };
    }

    private string ConnectionStringOf(string database)
    {
        var settings = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = Port,
            Username = "postgres",
            Database = database,
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        };
        if (!_durable)
        {
            // Every test has databases of its own. Their pools would keep connections for five minutes after its end. A measurement keeps
            // them, as in production: a new connection has no plans yet.
            settings.ConnectionIdleLifetime = 10;
            settings.ConnectionPruningInterval = 5;
        }

        return settings.ConnectionString;
    }
}

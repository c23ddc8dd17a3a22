using System.Runtime.CompilerServices;
using Npgsql;

namespace Sendcat.TestKit.Stores;

/// <summary>
/// A database that is prepared once per server, on first use, and then copied. A copy takes less time than another migration.
/// </summary>
/// <param name="prepare">
/// Prepares the database that is copied. Its argument is the connection string of an empty database. Pooling is off, because a template
/// database must not have open connections.
/// </param>
public sealed class DatabaseTemplate(Func<string, Task> prepare)
{
    private readonly ConditionalWeakTable<PostgresServer, Lazy<Task<string>>> _prepared = [];

    /// <returns>The connection string of a new copy.</returns>
    public async Task<string> CopyAsync(PostgresServer server) =>
        await server.CreateDatabaseAsync(await _prepared.GetValue(server, key => new(() => PrepareAsync(key))).Value);

    private async Task<string> PrepareAsync(PostgresServer server)
    {
        var template = new NpgsqlConnectionStringBuilder(await server.CreateDatabaseAsync()) { Pooling = false };
        await prepare(template.ConnectionString);
        return template.Database!;
    }
}

using System.Runtime.CompilerServices;
using Npgsql;

namespace Sendcat.TestKit.Stores;

/// <summary>A database that is prepared when it is first asked for, once per server, and copied from then on, which costs less than migrating again.</summary>
/// <param name="prepare">Is given the connection string of an empty database, without pooling, since a template must not have connections, and brings it to the state that the copies start from.</param>
public sealed class DatabaseTemplate(Func<string, Task> prepare)
{
    private readonly ConditionalWeakTable<PostgresServer, Lazy<Task<string>>> prepared = [];

    /// <returns>Connection string of a new copy.</returns>
    public async Task<string> CopyAsync(PostgresServer server) =>
        await server.CreateDatabaseAsync(await prepared.GetValue(server, one => new(() => PrepareAsync(one))).Value);

    private async Task<string> PrepareAsync(PostgresServer server)
    {
        var template = new NpgsqlConnectionStringBuilder(await server.CreateDatabaseAsync()) { Pooling = false };
        await prepare(template.ConnectionString);
        return template.Database!;
    }
}

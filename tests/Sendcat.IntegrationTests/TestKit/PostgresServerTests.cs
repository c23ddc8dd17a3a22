using Npgsql;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.TestKit;

/// <summary>The test kit's Postgres server: kill, suspension, and copies of a database.</summary>
public sealed class PostgresServerTests(SharedStores stores)
{
    [Fact]
    public async Task A_killed_server_starts_again_with_its_data()
    {
        await using var server = await PostgresServer.StartAsync();
        var database = await server.CreateDatabaseAsync();
        await ExecuteAsync(database, "CREATE TABLE parcels AS SELECT 'shoes' AS name");

        await server.KillAsync();
        await server.StartAgainAsync();

        Assert.Equal("shoes", await ExecuteAsync(database, "SELECT name FROM parcels"));
    }

    [Fact]
    public async Task A_suspended_server_responds_after_it_is_resumed()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var connection = new NpgsqlConnection(server.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT 'awake'", connection);

        await server.PauseAsync();
        var query = command.ExecuteScalarAsync();
        Assert.False(query.IsCompleted);
        await server.ResumeAsync();

        Assert.Equal("awake", await query);
    }

    [Fact]
    public async Task A_database_can_be_copied_from_a_template()
    {
        var server = await stores.PostgresAsync();
        var template = await server.CreateDatabaseAsync();
        await ExecuteAsync(template, "CREATE TABLE parcels AS SELECT 'shoes' AS name");

        var copy = await server.CreateDatabaseAsync(template: new NpgsqlConnectionStringBuilder(template).Database);

        Assert.Equal("shoes", await ExecuteAsync(copy, "SELECT name FROM parcels"));
        Assert.NotEqual(template, copy);
    }

    private static async Task<object?> ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}

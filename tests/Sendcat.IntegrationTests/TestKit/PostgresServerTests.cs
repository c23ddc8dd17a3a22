using Npgsql;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.TestKit;

public sealed class PostgresServerTests(SharedStores stores)
{
    [Fact]
    public async Task A_killed_server_comes_back_with_its_data()
    {
        await using var server = await PostgresServer.StartAsync();
        var database = await server.CreateDatabaseAsync();
        await ExecuteAsync(database, "CREATE TABLE parcels AS SELECT 'shoes' AS name");

        await server.KillAsync();
        await server.StartAgainAsync();

        Assert.Equal("shoes", await ExecuteAsync(database, "SELECT name FROM parcels"));
    }

    [Fact]
    public async Task A_frozen_server_answers_nobody_until_it_is_thawed()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var connection = new NpgsqlConnection(server.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT 'awake'", connection);

        await server.PauseAsync();
        var answer = command.ExecuteScalarAsync();
        Assert.False(answer.IsCompleted);
        await server.ResumeAsync();

        Assert.Equal("awake", await answer);
    }

    [Fact]
    public async Task A_database_can_be_copied_from_one_that_is_prepared()
    {
        var server = await stores.PostgresAsync();
        var prepared = await server.CreateDatabaseAsync();
        await ExecuteAsync(prepared, "CREATE TABLE parcels AS SELECT 'shoes' AS name");

        var copy = await server.CreateDatabaseAsync(template: new NpgsqlConnectionStringBuilder(prepared).Database);

        Assert.Equal("shoes", await ExecuteAsync(copy, "SELECT name FROM parcels"));
        Assert.NotEqual(prepared, copy);
    }

    private static async Task<object?> ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}

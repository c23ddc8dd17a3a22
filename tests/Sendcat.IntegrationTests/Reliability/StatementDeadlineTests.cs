using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.Reliability;
using Sendcat.Reliability.Database;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>The deadline of a statement, with a server that works and with a suspended one.</summary>
public sealed class StatementDeadlineTests(SharedStores stores)
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_statement_fails_at_its_deadline_and_its_connection_leaves_the_pool()
    {
        var time = new FakeTimeProvider();
        await using var database = NpgsqlDataSource.Create($"{(await stores.PostgresAsync()).ConnectionString};Maximum Pool Size=1");
        await using (var connection = await BoundedConnection.OpenAsync(
            database, TimeSpan.FromSeconds(5), time, TestContext.Current.CancellationToken))
        {
            await using var sleep = connection.CreateCommand("SELECT pg_sleep(600)");
            var sleeping = sleep.ExecuteNonQueryAsync(CancellationToken.None);

            time.Advance(TimeSpan.FromSeconds(5));

            var failure = await Assert.ThrowsAnyAsync<NpgsqlException>(() => sleeping.WaitAsync(MaxWait));
            Assert.True(PostgresFailure.IsUnavailable(failure));
        }

        await using var next = await BoundedConnection.OpenAsync(
            database, TimeSpan.FromSeconds(5), TimeProvider.System, TestContext.Current.CancellationToken);
        await using var command = next.CreateCommand("SELECT 1");
        Assert.Equal(1, await command.ExecuteScalarAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_connection_whose_deadline_passes_between_statements_leaves_the_pool_and_ends_no_outage()
    {
        var time = new FakeTimeProvider();
        await using var database = NpgsqlDataSource.Create($"{(await stores.PostgresAsync()).ConnectionString};Maximum Pool Size=1");
        var logger = new FakeLogger();
        var outage = new RequestOutage(StoreOutagesFeature.Create(logger, time).Postgres, _ => Task.CompletedTask, time);
        Assert.True(outage.Records(StatementDeadline.NoResponse(TimeSpan.FromSeconds(5))));
        await using (var connection = await BoundedConnection.OpenAsync(
            database, TimeSpan.FromSeconds(5), time, TestContext.Current.CancellationToken, outage))
        {
            await using var first = connection.CreateCommand("SELECT 1");
            await first.ExecuteScalarAsync(CancellationToken.None);

            time.Advance(TimeSpan.FromSeconds(5));
        }

        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, logger.Collector.Count);
        await using var next = await BoundedConnection.OpenAsync(
            database, TimeSpan.FromSeconds(5), time, TestContext.Current.CancellationToken);
        await using var command = next.CreateCommand("SELECT 1");
        Assert.Equal(1, await command.ExecuteScalarAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_deadline_that_was_disposed_does_not_cut_the_next_statement_of_the_connection()
    {
        var time = new FakeTimeProvider();
        await using var database = NpgsqlDataSource.Create($"{(await stores.PostgresAsync()).ConnectionString};Maximum Pool Size=1");
        await (await BoundedConnection.OpenAsync(database, TimeSpan.FromSeconds(5), time, TestContext.Current.CancellationToken))
            .DisposeAsync();
        await using var next = await BoundedConnection.OpenAsync(
            database, TimeSpan.FromMinutes(1), time, TestContext.Current.CancellationToken);

        time.Advance(TimeSpan.FromSeconds(5));

        await using var command = next.CreateCommand("SELECT 1");
        Assert.Equal(1, await command.ExecuteScalarAsync(CancellationToken.None));
    }

    [Fact]
    public async Task The_wait_for_a_connection_of_the_pool_counts()
    {
        await using var database = NpgsqlDataSource.Create(
            $"{(await stores.PostgresAsync()).ConnectionString};Maximum Pool Size=1;Timeout=600");
        await using var only = await database.OpenConnectionAsync(TestContext.Current.CancellationToken);

        var waiting = BoundedConnection.OpenAsync(
            database, TimeSpan.FromMilliseconds(100), TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.True(PostgresFailure.IsUnavailable(await Assert.ThrowsAnyAsync<NpgsqlException>(() => waiting.WaitAsync(MaxWait))));
    }

    [Fact]
    public async Task A_connection_attempt_at_a_suspended_server_counts()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var database = NpgsqlDataSource.Create($"{server.ConnectionString};Timeout=600");
        await server.PauseAsync();

        var connecting = BoundedConnection.OpenAsync(
            database, TimeSpan.FromMilliseconds(100), TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.True(PostgresFailure.IsUnavailable(await Assert.ThrowsAnyAsync<NpgsqlException>(() => connecting.WaitAsync(MaxWait))));
    }

    [Fact]
    public async Task Requests_of_a_known_outage_are_refused_at_once_and_served_at_once_after_it()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var source = NpgsqlDataSource.Create($"{server.ConnectionString};Timeout=600");
        await using var services = new ServiceCollection().Configure<PostgresOptions>(options => options.StatementTimeoutMs = 600_000)
            .BuildServiceProvider();
        var time = new FakeTimeProvider();
        var database = new RequestDatabase(
            source, services.GetRequiredService<IOptionsMonitor<PostgresOptions>>(), time,
            StoreOutagesFeature.Create(NullLogger.Instance, TimeProvider.System));
        await ReadAsync(database);
        await server.PauseAsync();
        for (var failures = 0; failures < 3; failures++)
        {
            database.Outage.Records(StatementDeadline.NoResponse(TimeSpan.FromSeconds(5)));
        }

        var suspecting = ReadAsync(database);
        time.Advance(TimeSpan.FromSeconds(2));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => suspecting.WaitAsync(MaxWait));
        var probe = ReadAsync(database);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => ReadAsync(database).WaitAsync(MaxWait));
        Assert.False(probe.IsCompleted);
        await server.ResumeAsync();

        Assert.Equal(1, await probe.WaitAsync(MaxWait));
        Assert.Equal(3, (await Task.WhenAll(ReadAsync(database), ReadAsync(database), ReadAsync(database)).WaitAsync(MaxWait)).Sum());

        static async Task<int> ReadAsync(RequestDatabase database)
        {
            await using var connection = await database.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = connection.CreateCommand("SELECT 1");
            return (int)(await command.ExecuteScalarAsync(CancellationToken.None))!;
        }
    }

    [Theory]
    [InlineData("42P01", false)]
    [InlineData("42703", false)]
    [InlineData("28P01", false)]
    [InlineData("57014", true)]
    [InlineData("57P03", true)]
    [InlineData("53300", true)]
    [InlineData("40001", true)]
    public void An_error_of_the_statement_or_of_the_schema_is_no_outage(string state, bool unavailable) =>
        Assert.Equal(unavailable, PostgresFailure.IsUnavailable(new PostgresException("text", "ERROR", "ERROR", state)));
}

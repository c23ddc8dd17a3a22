using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.Reliability;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Database;

/// <summary>The deadlines of what EF Core does with Postgres.</summary>
public sealed class BoundedStatementsTests(SharedStores stores)
{
    /// <summary>
    /// The first row comes at once, because the second is too large for the buffer of the server. The third comes after ten minutes.
    /// </summary>
    private const string SlowRows =
        """SELECT repeat('x', 1000000) || CASE n WHEN 3 THEN pg_sleep(600)::text ELSE '' END AS "Value" FROM generate_series(1, 3) n""";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_row_that_does_not_come_fails_at_the_deadline()
    {
        await using var db = Context((await stores.PostgresAsync()).ConnectionString);
        var rows = RowsOf(db).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await rows.MoveNextAsync());

        var second = rows.MoveNextAsync().AsTask();
        _time.Advance(Timeout);

        Assert.True(PostgresFailure.IsUnavailable(await Assert.ThrowsAnyAsync<NpgsqlException>(() => second.WaitAsync(MaxWait))));
    }

    [Fact]
    public async Task Rows_that_nobody_reads_end_at_the_deadline()
    {
        await using var db = Context((await stores.PostgresAsync()).ConnectionString);
        var rows = RowsOf(db).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await rows.MoveNextAsync());

        var disposing = rows.DisposeAsync().AsTask();
        _time.Advance(Timeout);

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => disposing.WaitAsync(MaxWait));
    }

    [Fact]
    public async Task A_transaction_does_not_continue_on_another_connection_when_the_deadline_passes_after_the_last_row()
    {
        await using var db = Context((await stores.PostgresAsync()).ConnectionString);
        await using var transaction = await db.Database.BeginTransactionAsync(TestContext.Current.CancellationToken);
        var rows = db.Database.SqlQueryRaw<int>("SELECT 1 AS \"Value\"").AsAsyncEnumerable()
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await rows.MoveNextAsync());
        Assert.False(await rows.MoveNextAsync());

        _time.Advance(Timeout);

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => rows.DisposeAsync().AsTask());
    }

    [Fact]
    public async Task The_time_between_statements_does_not_count()
    {
        await using var db = Context((await stores.PostgresAsync()).ConnectionString);
        await using var transaction = await db.Database.BeginTransactionAsync(TestContext.Current.CancellationToken);
        var first = await BackendAsync();

        _time.Advance(Timeout);

        Assert.Equal(first, await BackendAsync());
        await transaction.CommitAsync(TestContext.Current.CancellationToken);

        Task<int> BackendAsync() =>
            db.Database.SqlQueryRaw<int>("SELECT pg_backend_pid() AS \"Value\"").SingleAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_transaction_that_is_not_committed_ends_at_the_deadline_when_the_server_is_suspended()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var db = Context(server.ConnectionString);
        var transaction = await db.Database.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await db.Database.ExecuteSqlRawAsync("SELECT 1", TestContext.Current.CancellationToken);
        await server.PauseAsync();

        var rollback = transaction.DisposeAsync().AsTask();
        Assert.False(rollback.IsCompleted);
        _time.Advance(Timeout);

        await rollback.WaitAsync(MaxWait);
    }

    [Fact]
    public async Task An_error_of_a_statement_ends_an_outage()
    {
        var logs = new FakeLogger();
        var outages = StoreOutagesFeature.Create(logs, _time);
        await using var db = Context((await stores.PostgresAsync()).ConnectionString, outages);
        await db.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        outages.Postgres.Fails("requests", "no response");

        await Assert.ThrowsAsync<PostgresException>(
            () => db.Database.ExecuteSqlRawAsync("SELECT 1 / 0", TestContext.Current.CancellationToken));
        _time.Advance(StoreOutage.Settled);

        Assert.Equal([2900, 2901], logs.Collector.GetSnapshot().Select(entry => entry.Id.Id).Order());
    }

    private static IAsyncEnumerable<string> RowsOf(DbContext db) => db.Database.SqlQueryRaw<string>(SlowRows).AsAsyncEnumerable();

    private SendcatDb Context(string connectionString, StoreOutages? outages = null)
    {
        var timeouts = new ServiceCollection()
            .Configure<PostgresOptions>(options => options.StatementTimeoutMs = (int)Timeout.TotalMilliseconds)
            .BuildServiceProvider().GetRequiredService<IOptionsMonitor<PostgresOptions>>();
        var options = new DbContextOptionsBuilder<SendcatDb>();
        options.UseNpgsql($"{connectionString};Command Timeout=600");
        Schema.Configure(options);
        var requests = new RequestDatabase(
            NpgsqlDataSource.Create(connectionString), timeouts, _time, outages ?? StoreOutagesFeature.Create(NullLogger.Instance, _time));
        new BoundedStatements(requests, timeouts, _time).Bound(options);
        return new(options.Options);
    }
}

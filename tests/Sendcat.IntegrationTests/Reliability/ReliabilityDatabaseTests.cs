using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.KnobChanges;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>
/// The migrations of the reliability schema, and what the guards write to it: knob overrides, the audit and limit events.
/// </summary>
public sealed class ReliabilityDatabaseTests(SharedStores stores)
{
    private const string Knob = "ADMISSION_USER_MAX_INFLIGHT";

    [Fact]
    public async Task Concurrent_migrations_apply_each_migration_once()
    {
        var database = await (await stores.PostgresAsync()).CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ReliabilityDatabase.MigrateAsync(source, default)));

        await using var command = source.CreateCommand("SELECT count(*) FROM reliability.__ef_migrations_history");
        var migrations = typeof(ReliabilityDb).Assembly.GetTypes()
            .LongCount(type => type.IsSubclassOf(typeof(Microsoft.EntityFrameworkCore.Migrations.Migration)));
        Assert.Equal(migrations, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_migrations_match_the_model()
    {
        await using var replica = await ReplicaAsync(await DatabaseAsync());
        await using var context = await replica.Get<IDbContextFactory<ReliabilityDb>>().CreateDbContextAsync();

        Assert.False(context.Database.HasPendingModelChanges());
    }

    [Fact]
    public async Task An_override_reaches_every_replica_within_five_seconds_with_and_without_Redis_and_is_audited()
    {
        var database = await DatabaseAsync();
        await using var redis = await RedisServer.StartAsync();
        await using var one = await Replica.ConnectAsync(redis.ConnectionString, database);
        await using var two = await Replica.ConnectAsync(redis.ConnectionString, database);
        await two.RunAsync(two.Get<KnobOverrideWatch>());

        var set = await one.Get<KnobOverrideStore>().SetAsync(Knob, "7", new("ada"), default);
        Assert.Equal((true, null, "7"), (set.Accepted, set.Before, set.Now));
        Assert.Equal(7, one.UserMaxInFlight);
        await two.HasUserMaxInFlightAsync(7);

        await redis.KillAsync();
        var cleared = await one.Get<KnobOverrideStore>().SetAsync(Knob, null, new("bob"), default);
        Assert.Equal(("7", "1"), (cleared.Before?.Value, cleared.Now));
        await two.HasUserMaxInFlightAsync(1);

        await using var context = await one.Get<IDbContextFactory<ReliabilityDb>>().CreateDbContextAsync();
        var audit = await context.OperatorAudit.OrderBy(row => row.Id).ToListAsync();
        Assert.Equal(
            [("ada", "knob.set", Knob, null, "7"), ("bob", "knob.clear", Knob, "7", null)],
            audit.Select(row => (row.Actor, row.Action, row.Target, row.Before, row.After)));
    }

    [Theory]
    [InlineData("NO_SUCH_KNOB", "1")]
    [InlineData(Knob, "1000")]
    [InlineData(Knob, "plenty")]
    [InlineData("ADMISSION_REDIS_TOKEN", "secret")]
    public async Task An_invalid_override_is_refused_and_not_audited(string name, string value)
    {
        await using var replica = await ReplicaAsync(await DatabaseAsync());

        var change = await replica.Get<KnobOverrideStore>().SetAsync(name, value, new("ada"), default);

        Assert.False(change.Accepted);
        Assert.NotNull(change.Reason);
        await using var context = await replica.Get<IDbContextFactory<ReliabilityDb>>().CreateDbContextAsync();
        Assert.Empty(await context.OperatorAudit.ToListAsync());
    }

    [Fact]
    public async Task A_change_whose_caller_goes_away_or_that_fails_leaves_its_result_in_the_audit()
    {
        await using var replica = await ReplicaAsync(await DatabaseAsync());
        var audit = replica.Get<OperatorAudit>();

        using (var caller = new CancellationTokenSource())
        {
            Assert.Equal(7, await audit.RecordAsync(new("ada"), "done", "a", () => LeaveAsync(caller, 7), caller.Token));
        }

        using (var caller = new CancellationTokenSource())
        {
            await Assert.ThrowsAsync<OperationCanceledException>(() => audit.RecordAsync(
                new("ada"), "cancelled", "b",
                async () =>
                {
                    await LeaveAsync(caller, 7);
                    caller.Token.ThrowIfCancellationRequested();
                    return (7, "done");
                },
                caller.Token));
        }

        await Assert.ThrowsAsync<InvalidOperationException>(
            () => audit.RecordAsync<int>(new("ada"), "failed", "c", () => throw new InvalidOperationException("secret"), default));
        Assert.Equal(
            [
                ("failed", "failed: InvalidOperationException"), ("cancelled", "cancelled by its caller, perhaps after a part"),
                ("done", "7 done"),
            ],
            (await audit.ListAsync(null, 5, default)).Select(row => (row.Action, row.After)));

        static async Task<(int Result, string After)> LeaveAsync(CancellationTokenSource caller, int result)
        {
            await caller.CancelAsync();
            return (result, $"{result} done");
        }
    }

    [Fact]
    public async Task Refusals_within_five_seconds_are_one_row_with_the_hits_of_all_replicas()
    {
        var database = await DatabaseAsync();
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2026, 2, 20, 12, 0, 1, TimeSpan.Zero));
        await using var one = await ReplicaAsync(database, time);
        await using var two = await ReplicaAsync(database, time);
        var blocked = new RateLimitEvent(RateLimitSource.ChatHttp, "chat_stream", "chat_stream:user:a", RateLimitOutcome.Blocked, null)
        {
            RetryAfter = TimeSpan.FromSeconds(3), Path = "/api/chat", Method = "POST",
        };

        for (var n = 0; n < 40; n++)
        {
            (n % 2 == 0 ? one : two).Get<RateLimitEvents>().Record(blocked);
        }

        await Task.WhenAll(one.Get<RateLimitEvents>().FlushAsync(default), two.Get<RateLimitEvents>().FlushAsync(default));
        one.Get<RateLimitEvents>().Record(blocked);
        await one.Get<RateLimitEvents>().FlushAsync(default);

        await using var context = await one.Get<IDbContextFactory<ReliabilityDb>>().CreateDbContextAsync();
        var row = Assert.Single(await context.RateLimitEvents.ToListAsync());
        Assert.Equal((41, "chat_http", "blocked", 3_000, "/api/chat"), (row.Hits, row.Source, row.Outcome, row.RetryAfterMs, row.Path));
        Assert.Equal(TimeSpan.FromDays(7), row.ExpiresAt - row.CreatedAt);

        time.Advance(TimeSpan.FromDays(8));
        await one.Get<RateLimitEvents>().SweepAsync(default);
        Assert.Empty(await context.RateLimitEvents.ToListAsync());
    }

    [Fact]
    public async Task A_Redis_that_lost_its_data_is_one_event()
    {
        var database = await DatabaseAsync();
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2026, 2, 20, 12, 0, 1, TimeSpan.Zero));
        await using var redis = await RedisServer.StartAsync();
        await using var one = await Replica.ConnectAsync(redis.ConnectionString, database, time);
        await using var two = await Replica.ConnectAsync(redis.ConnectionString, database, time);
        await BeatAsync();
        await BeatAsync();
        Assert.Empty(await EventsAsync());

        await one.Redis.ExecuteAsync("FLUSHALL");
        await BeatAsync();
        await BeatAsync();

        var row = Assert.Single(await EventsAsync());
        Assert.Equal(("redis_data_lost", "redis_data_lost", 2), (row.Bucket, row.Reason, row.Hits));

        async Task BeatAsync()
        {
            await one.Get<ReplicaHeartbeat>().BeatAsync(TestContext.Current.CancellationToken);
            await two.Get<ReplicaHeartbeat>().BeatAsync(TestContext.Current.CancellationToken);
        }

        async Task<List<RateLimitEventRow>> EventsAsync()
        {
            await one.Get<RateLimitEvents>().FlushAsync(TestContext.Current.CancellationToken);
            await two.Get<RateLimitEvents>().FlushAsync(TestContext.Current.CancellationToken);
            await using var context = await one.Get<IDbContextFactory<ReliabilityDb>>().CreateDbContextAsync();
            return await context.RateLimitEvents.ToListAsync();
        }
    }

    [Fact]
    public async Task Events_are_buffered_during_a_Postgres_outage()
    {
        await using var postgres = await PostgresServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await using (var source = NpgsqlDataSource.Create(database))
        {
            await ReliabilityDatabase.MigrateAsync(source, default);
        }

        await using var replica = await ReplicaAsync(database);
        var events = replica.Get<RateLimitEvents>();
        await postgres.KillAsync();
        events.Record(new(RateLimitSource.Http, "auth", "auth:10.0.0.1", RateLimitOutcome.Blocked, null));
        await events.FlushAsync(default);
        await postgres.StartAgainAsync();

        // A connection from before the outage may fail once more, so the write is repeated until it succeeds.
        await Eventually.TrueAsync(async () =>
        {
            await events.FlushAsync(default);
            await using var context = await replica.Get<IDbContextFactory<ReliabilityDb>>().CreateDbContextAsync();
            return await context.RateLimitEvents.CountAsync() == 1;
        });
    }

    [Fact]
    public async Task A_denied_admission_is_stored_as_an_event_without_the_session_id()
    {
        await using var replica = await ReplicaAsync(await DatabaseAsync());
        await replica.AdmitAsync("one", "session:secret-session-id");
        Assert.IsType<AdmissionDecision.Denied>(await replica.RequestAdmissionAsync("two", "session:secret-session-id"));

        await replica.Get<RateLimitEvents>().FlushAsync(default);

        await using var context = await replica.Get<IDbContextFactory<ReliabilityDb>>().CreateDbContextAsync();
        var row = Assert.Single(await context.RateLimitEvents.Where(it => it.Outcome == "blocked").ToListAsync());
        Assert.Equal(("chat_admission", "user_inflight", "chat_http"), (row.Bucket, row.Reason, row.Source));
        Assert.StartsWith("chat_admission:session:#", row.Key, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", row.Key + row.DedupeKey, StringComparison.Ordinal);
    }

    private async Task<string> DatabaseAsync()
    {
        var database = await (await stores.PostgresAsync()).CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database);
        await ReliabilityDatabase.MigrateAsync(source, default);
        return database;
    }

    private async Task<Replica> ReplicaAsync(string database, TimeProvider? time = null) =>
        await Replica.ConnectAsync((await stores.RedisAsync()).CreateDatabase(), database, time);
}

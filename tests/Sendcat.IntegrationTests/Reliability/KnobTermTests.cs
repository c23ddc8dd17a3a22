using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.KnobChanges;
using Sendcat.Reliability.Knobs;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>Overrides of knobs that end by themselves.</summary>
public sealed class KnobTermTests(SharedStores stores)
{
    private const string Knob = "ADMISSION_USER_MAX_INFLIGHT";

    private static readonly TimeSpan Quarter = TimeSpan.FromMinutes(15);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 2, 20, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task An_override_for_a_time_ends_on_every_replica_by_itself_and_has_one_audit_row_of_its_end()
    {
        var database = await DatabaseAsync();
        await using var one = await ReplicaAsync(database);
        await using var two = await ReplicaAsync(database);
        await one.RunAsync(one.Get<KnobOverrideWatch>());
        await two.RunAsync(two.Get<KnobOverrideWatch>());

        var set = await SetAsync(one, "7", new(Quarter, null));
        await two.HasUserMaxInFlightAsync(7);
        Assert.Equal((_time.GetUtcNow() + Quarter, null), (set.Until, set.Then));

        _time.Advance(Quarter - TimeSpan.FromSeconds(1));
        await Task.WhenAll(RefreshAsync(one), RefreshAsync(two));
        Assert.Equal((7, 7), (one.UserMaxInFlight, two.UserMaxInFlight));

        _time.Advance(TimeSpan.FromSeconds(1.1));
        await one.HasUserMaxInFlightAsync(1);
        await two.HasUserMaxInFlightAsync(1);

        await Task.WhenAll(RefreshAsync(one), RefreshAsync(two));
        Assert.Equal(
            [
                ("knob.set", null, "7 until 2026-02-20 12:15:00Z", "load", new DateTimeOffset(2026, 2, 20, 12, 0, 0, TimeSpan.Zero)),
                ("knob.end", "7", null, "its time was over", new DateTimeOffset(2026, 2, 20, 12, 15, 0, TimeSpan.Zero)),
            ],
            await AuditAsync(one));
    }

    [Fact]
    public async Task An_override_whose_time_was_over_while_every_process_was_down_is_never_in_force_again()
    {
        var database = await DatabaseAsync();
        await using (var before = await ReplicaAsync(database))
        {
            await SetAsync(before, "7", new(Quarter, null));
        }

        _time.Advance(TimeSpan.FromHours(3));
        await using var after = await ReplicaAsync(database);
        await RefreshAsync(after);

        Assert.Equal(1, after.UserMaxInFlight);
        Assert.Equal("knob.end", (await AuditAsync(after))[^1].Action);
    }

    [Fact]
    public async Task An_override_ends_in_time_while_Postgres_is_down()
    {
        await using var postgres = await PostgresServer.StartAsync();
        var database = await MigratedAsync(await postgres.CreateDatabaseAsync());
        await using var replica = await ReplicaAsync(database);
        await SetAsync(replica, "7", new(Quarter, null));
        await replica.RunAsync(replica.Get<KnobOverrideWatch>());
        await postgres.KillAsync();

        _time.Advance(Quarter + TimeSpan.FromSeconds(1));

        await replica.HasUserMaxInFlightAsync(1);
    }

    [Fact]
    public async Task The_lasting_value_of_before_applies_again_and_an_undo_can_say_what_applies_instead()
    {
        await using var replica = await ReplicaAsync(await DatabaseAsync());
        await SetAsync(replica, "3", null);
        await SetAsync(replica, "7", new(Quarter, null));

        // A second change for a time does not make the first one last.
        var second = await SetAsync(replica, "9", new(Quarter, null));
        Assert.Equal(("7", "3", "3"), (second.Before?.Value, second.Before?.Then, second.Then));
        var reading = Reading(replica);
        Assert.Equal(("9", "1", "ann", KnobSource.Override), (reading.Value, reading.Configured, reading.Override?.Actor, reading.Source));

        await ElapseAsync(replica);
        Assert.Equal((3, null), (replica.UserMaxInFlight, Reading(replica).Override?.Until));

        await SetAsync(replica, "9", new(Quarter, new("4")));
        await ElapseAsync(replica);
        Assert.Equal(4, replica.UserMaxInFlight);

        await SetAsync(replica, "9", new(Quarter, new(null)));
        await ElapseAsync(replica);
        Assert.Equal((1, null), (replica.UserMaxInFlight, Reading(replica).Override));
    }

    [Fact]
    public async Task A_change_without_a_time_lasts_and_a_clear_ends_a_change_for_a_time()
    {
        await using var replica = await ReplicaAsync(await DatabaseAsync());
        await SetAsync(replica, "7", new(Quarter, null));
        await SetAsync(replica, "8", null);
        await ElapseAsync(replica);
        Assert.Equal(8, replica.UserMaxInFlight);

        await SetAsync(replica, "9", new(Quarter, null));
        var cleared = await replica.Get<KnobOverrideStore>().SetAsync(Knob, null, new("ann"), default);

        Assert.Equal(("9", "8", 1), (cleared.Before?.Value, cleared.Before?.Then, replica.UserMaxInFlight));
    }

    [Theory]
    [InlineData(9, null)]
    [InlineData(2_592_001, null)]
    [InlineData(60, "1000")]
    public async Task A_time_or_value_afterwards_that_is_not_allowed_is_refused(int seconds, string? then)
    {
        await using var replica = await ReplicaAsync(await DatabaseAsync());

        var change = await SetAsync(replica, "7", new(TimeSpan.FromSeconds(seconds), then is null ? null : new(then)));

        Assert.False(change.Accepted);
        Assert.Empty(await AuditAsync(replica));
    }

    private static Task<KnobChange> SetAsync(Replica replica, string value, KnobTerm? term) =>
        replica.Get<KnobOverrideStore>().SetAsync(Knob, value, term, new("ann", "load"), default);

    private static Task RefreshAsync(Replica replica) =>
        replica.Get<KnobOverrideWatch>().RefreshAsync(TestContext.Current.CancellationToken);

    private static KnobReading Reading(Replica replica)
    {
        var knobs = replica.Get<KnobRegistry>();
        return knobs.Read(knobs.Find(Knob)!);
    }

    private static async Task<List<(string Action, string? Before, string? After, string? Reason, DateTimeOffset At)>> AuditAsync(
        Replica replica)
    {
        await using var context = await replica.Get<IDbContextFactory<ReliabilityDb>>().CreateDbContextAsync();
        return [
            .. (await context.OperatorAudit.OrderBy(row => row.Id).ToListAsync())
                .Select(row => (row.Action, row.Before, row.After, row.Reason, row.CreatedAt))];
    }

    private static async Task<string> MigratedAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await ReliabilityDatabase.MigrateAsync(source, default);
        return database;
    }

    private Task ElapseAsync(Replica replica)
    {
        _time.Advance(Quarter);
        return RefreshAsync(replica);
    }

    private async Task<string> DatabaseAsync() => await MigratedAsync(await (await stores.PostgresAsync()).CreateDatabaseAsync());

    private async Task<Replica> ReplicaAsync(string database) =>
        await Replica.ConnectAsync((await stores.RedisAsync()).CreateDatabase(), database, _time);
}

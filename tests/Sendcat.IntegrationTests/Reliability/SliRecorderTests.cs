using System.Text;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Slo;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>The minutes of service levels in Postgres: written, summed and folded.</summary>
public sealed class SliRecorderTests(SharedStores stores) : IAsyncLifetime
{
    private const string Chat = "/api/chat";

    private static readonly DateTimeOffset Noon = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly FakeTimeProvider _time = new(Noon);
    private NpgsqlDataSource _database = null!;
    private string _connection = null!;

    private SliStore Store => new(_database);

    public async ValueTask InitializeAsync()
    {
        _connection = await MigratedDatabase.CreateForReliabilityAsync(await stores.PostgresAsync());
        _database = NpgsqlDataSource.Create(_connection);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task The_minutes_of_all_replicas_are_one_minute_with_the_sum_of_their_requests()
    {
        await using var one = await ReplicaAsync();
        await using var two = await ReplicaAsync();
        one.Get<SliRecorder>().Ended(
            Chat, new(SliOutcome.Served, FirstToken: TimeSpan.FromSeconds(1), Completion: TimeSpan.FromSeconds(4)));
        two.Get<SliRecorder>().Ended(Chat, new(SliOutcome.Failed, "upstream_error", TimeSpan.FromSeconds(9)));
        two.Get<SliRecorder>().Ended(Chat, new(SliOutcome.Shed, "user_inflight"));

        _time.Advance(Minute);
        await FlushAsync(one, two);

        var window = (await WindowsAsync(5)).Of(Chat, 5);
        Assert.Equal((1L, 1L, 1L, 1L), (window.Covered, window.Counts.Served, window.Counts.Failed, window.Counts.Shed));
        Assert.Equal((2L, 1L), (window.Counts.FirstToken[^1], LatencyBuckets.Within(window.Counts.FirstToken, 3_000)));
        Assert.Equal((1L, 1L), (window.Counts.Completion[^1], LatencyBuckets.Within(window.Counts.Completion, 5_000)));
        Assert.Equal(
            """{"user_inflight": 1, "upstream_error": 1}""",
            await ScalarAsync("select reasons::text from reliability.sli_minutes where reasons is not null"));
    }

    [Fact]
    public async Task A_replica_that_is_killed_loses_only_its_running_minute_and_a_gap_stays_a_gap()
    {
        var dead = await ReplicaAsync();
        dead.Get<SliRecorder>().Ended(Chat, new(SliOutcome.Served));
        _time.Advance(Minute);
        await FlushAsync(dead);
        dead.Get<SliRecorder>().Ended(Chat, new(SliOutcome.Served));
        dead.Kill();

        // Another replica starts three minutes later, and gets no request.
        _time.Advance(3 * Minute);
        await using var next = await ReplicaAsync();
        await FlushAsync(next);
        _time.Advance(Minute);
        await FlushAsync(next);

        var window = (await WindowsAsync(5)).Of(Chat, 5);
        Assert.Equal((2L, 1L), (window.Covered, window.Counts.Served));
    }

    [Fact]
    public async Task A_replica_that_stops_writes_its_running_minute()
    {
        await using (var replica = await ReplicaAsync())
        {
            await replica.RunAsync(replica.Get<SliRecorder>());
            replica.Get<SliRecorder>().Ended(Chat, new(SliOutcome.Served));
        }

        _time.Advance(Minute);
        Assert.Equal(1, (await WindowsAsync(5)).Of(Chat, 5).Counts.Served);
    }

    [Fact]
    public async Task A_minute_that_is_written_again_counts_once()
    {
        var minute = new SliMinute(Noon, Chat);
        minute.Add(new(SliOutcome.Served, Completion: Minute));
        var replica = Guid.NewGuid();

        await Store.WriteAsync(replica, [minute], default);
        await Store.WriteAsync(replica, [minute], default);

        _time.Advance(Minute);
        Assert.Equal(1, (await WindowsAsync(5)).Of(Chat, 5).Counts.Served);
    }

    [Fact]
    public async Task Minutes_wait_in_memory_while_Postgres_is_away()
    {
        await using var postgres = await PostgresServer.StartAsync();
        var database = await MigratedDatabase.CreateForReliabilityAsync(postgres);
        await using var source = NpgsqlDataSource.Create(database);
        await using var replica = await Replica.ConnectAsync((await stores.RedisAsync()).CreateDatabase(), database, _time);
        await postgres.KillAsync();
        for (var minute = 0; minute < 3; minute++)
        {
            replica.Get<SliRecorder>().Ended(Chat, new(SliOutcome.Failed, "store_unavailable"));
            _time.Advance(Minute);
            await FlushAsync(replica);
        }

        await postgres.StartAgainAsync();

        // A connection from before the outage may fail once more.
        await Eventually.TrueAsync(async () =>
        {
            await FlushAsync(replica);
            await using var command = source.CreateCommand(
                $"select sum(failed)::int from reliability.sli_minutes where endpoint = '{Chat}'");
            return await command.ExecuteScalarAsync() is 3;
        });
    }

    [Fact]
    public async Task Sums_are_those_of_the_minutes_before_and_after_they_are_folded_into_hours()
    {
        var now = SliWindows.MinuteOf(Noon.AddMinutes(17));
        var lengths = SloPolicy.Default.WindowMinutes;
        var expected = new SliWindows(now, lengths);
        var random = new Random(5);
        Guid[] replicas = [Guid.NewGuid(), Guid.NewGuid()];
        // Every 97th minute of the last 31 days, so that every hour of the day and every window has some.
        for (var age = 1; age < 31 * 1_440; age += 97)
        {
            var minute = new SliMinute(now.AddMinutes(-age), random.Next(3) == 0 ? "/api/gmail/push" : Chat);
            for (var request = random.Next(4); request > 0; request--)
            {
                minute.Add(new(
                    SliOutcomes.All[random.Next(SliOutcomes.All.Count)], "reason", TimeSpan.FromMilliseconds(random.Next(200_000)),
                    random.Next(2) == 0 ? TimeSpan.FromMilliseconds(random.Next(200_000)) : null));
            }

            expected.Add(minute.Endpoint, minute.Minute, minute.Counts);
            await Store.WriteAsync(replicas[random.Next(2)], [minute], default);
        }

        Assert.Equal(Text(expected), Text(await Store.WindowsAsync(now, lengths, default)));

        _time.SetUtcNow(now);
        await using var one = await ReplicaAsync();
        await using var two = await ReplicaAsync();
        await Task.WhenAll(one.Get<SliRecorder>().FoldAsync(default), two.Get<SliRecorder>().FoldAsync(default));
        await one.Get<SliRecorder>().FoldAsync(default);

        var actual = await Store.WindowsAsync(now, lengths, default);
        Assert.Equal(Text(expected, lengths.SkipLast(1)), Text(actual, lengths.SkipLast(1)));

        // The edge of the budget period is rounded to an hour: at most one minute of these more or less.
        Assert.InRange(actual.Of(Chat, lengths[^1]).Covered - expected.Of(Chat, lengths[^1]).Covered, -1, 1);
        Assert.Equal(0, await ScalarAsync($"select count(*)::int from reliability.sli_minutes where minute < '{now.AddHours(-75):O}'"));
        Assert.True(await ScalarAsync("select count(*)::int from reliability.sli_minutes") is > 0 and < 100);

        // After the budget period nothing is left.
        _time.Advance(TimeSpan.FromDays(32));
        await one.Get<SliRecorder>().FoldAsync(default);
        await Store.FoldAsync(_time.GetUtcNow(), _time.GetUtcNow(), default);
        Assert.Equal(0, await ScalarAsync("select count(*)::int from reliability.sli_minutes"));
        Assert.Equal(0, await ScalarAsync("select count(*)::int from reliability.sli_hours"));
    }

    [Fact]
    public async Task A_minute_that_arrives_after_its_hour_was_folded_is_counted()
    {
        var late = new SliMinute(Noon, Chat);
        late.Add(new(SliOutcome.Served));
        await Store.WriteAsync(Guid.NewGuid(), [late], default);
        await Store.FoldAsync(Noon.AddHours(2), Noon.AddDays(-1), default);
        await Store.WriteAsync(Guid.NewGuid(), [late], default);
        await Store.FoldAsync(Noon.AddHours(2), Noon.AddDays(-1), default);

        Assert.Equal(2, (await Store.WindowsAsync(Noon.AddHours(2), [180], default)).Of(Chat, 180).Counts.Served);
        Assert.Equal(0, await ScalarAsync("select count(*)::int from reliability.sli_minutes"));
    }

    private Task<SliWindows> WindowsAsync(params int[] lengths) =>
        Store.WindowsAsync(SliWindows.MinuteOf(_time.GetUtcNow()), lengths, default);

    private async Task<Replica> ReplicaAsync() =>
        await Replica.ConnectAsync((await stores.RedisAsync()).CreateDatabase(), _connection, _time);

    private static async Task FlushAsync(params Replica[] replicas)
    {
        foreach (var replica in replicas)
        {
            await replica.Get<SliRecorder>().FlushAsync(TestContext.Current.CancellationToken);
        }
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    private static string Text(SliWindows windows, IEnumerable<int>? lengths = null)
    {
        var text = new StringBuilder();
        foreach (var endpoint in SloPolicy.Default.Endpoints.Keys)
        {
            foreach (var length in lengths ?? windows.Lengths)
            {
                var (counts, covered) = (windows.Of(endpoint, length).Counts, windows.Of(endpoint, length).Covered);
                text.Append(endpoint).Append(' ').Append(length).Append(": ").Append(covered).Append(" | ")
                    .AppendJoin(' ', SliOutcomes.All.Select(outcome => counts[outcome])).Append(" | ")
                    .AppendJoin(' ', counts.FirstToken.ToArray()).Append(" | ").AppendJoin(' ', counts.Completion.ToArray()).AppendLine();
            }
        }

        return text.ToString();
    }
}

using System.Net;
using System.Text.Json;
using Npgsql;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>What is left when something is killed or goes away. Each test breaks servers of its own.</summary>
public sealed class FaultTests
{
    private const string Slow = "[[emu chunks=2000 every=25ms]]";

    [Fact]
    public async Task A_killed_replica_leaves_an_error_with_the_partial_text_and_no_slot_taken()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesAsync(redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 2);
        using var guest = await sendcat.GuestAsync();
        using var survivor = guest.At(sendcat.Replicas[1]);
        var thread = await guest.AskingAsync(Slow);
        await using var stream = await guest.ChatAsync(thread);
        await stream.UntilAsync("content");
        await Eventually.TrueAsync(async () => await ContentLengthAsync(sendcat.Database) > 20);

        await sendcat.Replicas[0].Process.KillAsync();

        await Eventually.TrueAsync(async () => (await survivor.MessagesAsync(thread)).Any(message => Text(message, "status") == "error"));
        var message = (await survivor.MessagesAsync(thread))[^1];
        Assert.StartsWith("1 2 3", Text(message, "content"), StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => await LeasesAsync(sendcat.Redis) == 0);
        await using var next = await survivor.ChatAsync(await survivor.AskingAsync("[[emu chunks=2 every=0]]"));
        await next.ToEndAsync();
        Assert.Equal("done", next.Types[^1]);
    }

    [Fact]
    public async Task A_replica_that_slept_past_its_death_finds_its_turns_closed_and_changes_nothing()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesAsync(redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 2);
        using var guest = await sendcat.GuestAsync();
        using var survivor = guest.At(sendcat.Replicas[1]);
        var thread = await guest.AskingAsync(Slow);
        await using var stream = await guest.ChatAsync(thread);
        await stream.UntilAsync("content");
        await Eventually.TrueAsync(async () => await ContentLengthAsync(sendcat.Database) > 20);

        sendcat.Replicas[0].Process.Pause();
        await Eventually.TrueAsync(async () => (await survivor.MessagesAsync(thread)).Any(message => Text(message, "status") == "error"));
        var buried = Text((await survivor.MessagesAsync(thread))[^1], "content");
        sendcat.Replicas[0].Process.Resume();

        await stream.ToEndAsync();
        Assert.Equal("error", stream.Types[^1]);
        Assert.Equal(("error", buried), (Text((await survivor.MessagesAsync(thread))[^1], "status"), Text((await survivor.MessagesAsync(thread))[^1], "content")));
    }

    [Fact]
    public async Task Postgres_away_in_the_middle_of_a_turn_delays_its_record_and_loses_nothing()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync(durable: true);
        await using var sendcat = await SendcatSystem.StartAsync(redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 1);
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu chunks=80 every=50ms]]");
        var other = await guest.AskingAsync("hello");
        await using var stream = await guest.ChatAsync(thread);
        await stream.UntilAsync("content");

        await postgres.KillAsync();
        await using (var refused = await guest.ChatAsync(other))
        {
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "upstream_unavailable"), (refused.Status, refused.ErrorCode));
        }

        await postgres.StartAgainAsync();

        await stream.ToEndAsync();
        Assert.Equal("done", stream.Types[^1]);
        await Eventually.TrueAsync(async () => Text((await guest.MessagesAsync(thread))[^1], "status") == "completed");
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 80)), Text((await guest.MessagesAsync(thread))[^1], "content")!.Trim());
    }

    [Fact]
    public async Task Redis_away_refuses_new_turns_as_unavailable_and_running_ones_go_on()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartAsync(redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 1, ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "true"));
        using var guest = await sendcat.GuestAsync();
        using var other = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu chunks=100 every=40ms]]");
        var waiting = await other.AskingAsync("[[emu chunks=2 every=0]]");
        await using var stream = await guest.ChatAsync(thread);
        await stream.UntilAsync("content");

        await redis.KillAsync();
        await Eventually.TrueAsync(async () =>
        {
            await using var refused = await other.ChatAsync(waiting);
            return refused is { Status: HttpStatusCode.ServiceUnavailable, ErrorCode: "upstream_unavailable" };
        });
        await redis.StartAgainAsync();

        await Eventually.TrueAsync(async () =>
        {
            await using var served = await other.ChatAsync(waiting);
            await served.ToEndAsync();
            return served.Status == HttpStatusCode.OK && served.Types[^1] == "done";
        });
        await stream.ToEndAsync();
        Assert.Equal("done", stream.Types[^1]);
        await Eventually.TrueAsync(async () => await LeasesAsync(sendcat.Redis) == 0);
    }

    [Fact]
    public async Task Redis_away_with_the_gate_told_to_stay_open_serves_on_limits_of_the_process()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartAsync(redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 1, ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "false"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu chunks=2 every=0]]");

        await redis.KillAsync();

        await using var stream = await guest.ChatAsync(thread);
        await stream.ToEndAsync();
        Assert.Equal((HttpStatusCode.OK, "done"), (stream.Status, stream.Types[^1]));
    }

    [Fact]
    public async Task A_host_that_stops_lets_turns_end_and_tells_the_rest()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesAsync(redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 2, ("CHAT_DRAIN_MS", "1500"));
        using var guest = await sendcat.GuestAsync();
        using var brief = await sendcat.GuestAsync();
        using var survivor = guest.At(sendcat.Replicas[1]);
        var thread = await guest.AskingAsync(Slow);
        await using var longer = await guest.ChatAsync(thread);
        await using var shorter = await brief.ChatAsync(await brief.AskingAsync("[[emu chunks=20 every=25ms]]"));
        await longer.UntilAsync("content");
        await shorter.UntilAsync("content");

        var stopping = sendcat.Replicas[0].Process.StopAsync(timeout: TimeSpan.FromSeconds(30));
        await Task.WhenAll(longer.ToEndAsync(), shorter.ToEndAsync());
        await stopping;

        Assert.Equal("done", shorter.Types[^1]);
        Assert.Equal(("error", "upstream_unavailable"), (longer.Types[^1], Text(longer.Seen[^1], "code")));
        Assert.Equal(("error", longer.Text), (Text((await survivor.MessagesAsync(thread))[^1], "status"), Text((await survivor.MessagesAsync(thread))[^1], "content")));
        Assert.Equal(0, await LeasesAsync(sendcat.Redis));
    }

    private static async Task<long> ContentLengthAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand("select coalesce(max(length(content)), 0) from messages where status = 'streaming'");
        return Convert.ToInt64(await command.ExecuteScalarAsync(), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Members of all sorted sets but the list of replicas: those are the leases of admission and bulkheads.</summary>
    private static async Task<long> LeasesAsync(string connection)
    {
        var options = ConfigurationOptions.Parse(connection);
        await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        var total = 0L;
        foreach (var server in redis.GetServers())
        {
            await foreach (var key in server.KeysAsync(options.DefaultDatabase ?? 0))
            {
                total += key != (RedisKey)RedisKeys.Replicas && await redis.GetDatabase().KeyTypeAsync(key) == RedisType.SortedSet ? await redis.GetDatabase().SortedSetLengthAsync(key) : 0;
            }
        }

        return total;
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

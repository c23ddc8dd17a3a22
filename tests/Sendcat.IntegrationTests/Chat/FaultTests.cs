using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;
using static Sendcat.IntegrationTests.Chat.JsonFields;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Turns while a replica, Redis or Postgres is killed, suspended or stopped. Each test has its own servers. The tests poll for rows in
/// Postgres and keys in Redis, which no signal reports.
/// </summary>
public sealed class FaultTests
{
    private const string Slow = "[[emu chunks=2000 every=25ms]]";

    [Fact]
    public async Task A_killed_replica_leaves_an_error_with_the_partial_text_and_its_slots_are_released()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 2);
        using var guest = await sendcat.GuestAsync();
        using var survivor = guest.At(sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync(Slow);
        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadUntilAsync("content");
        await using var remote = await survivor.ResumeAsync(thread);
        await Eventually.TrueAsync(async () => await ContentLengthAsync(sendcat.Database) > 20);

        await sendcat.Replicas[0].Process.KillAsync();

        await TurnsClosedAsync(sendcat.Replicas[1]);
        await remote.ReadToEndAsync();
        Assert.Equal(("error", "upstream_unavailable"), (remote.Types[^1], Text(remote.Events[^1], "code")));
        var message = (await survivor.MessagesAsync(thread))[^1];
        Assert.Equal("error", Text(message, "status"));
        Assert.StartsWith("1 2 3", Text(message, "content"), StringComparison.Ordinal);
        await LeasesReapedAsync(sendcat.Replicas[1]);
        Assert.Equal(0, await LeasesAsync(sendcat.Redis));
        await using var next = await survivor.ChatAsync(await survivor.NewThreadAsync("[[emu chunks=2 every=0]]"));
        await next.ReadToEndAsync();
        Assert.Equal("done", next.Types[^1]);
    }

    [Fact]
    public async Task An_answer_survives_the_death_of_the_replica_that_regenerates_it_and_a_repeated_request_replaces_a_dead_turn()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 2, ("ADMISSION_USER_MAX_INFLIGHT", "10"));
        using var guest = await sendcat.GuestAsync();
        using var survivor = guest.At(sendcat.Replicas[1]);
        var (kept, cut) = (await guest.NewThreadAsync(), await guest.NewThreadAsync());
        await using (var first = await guest.PostChatAsync(UseChat.Body(kept, """[[emu text="Old."]]""", "m1")))
        {
            await first.ReadToEndAsync();
        }

        sendcat.Model.Direct("[[emu hang=before-first]]");
        await using var regenerated = await guest.PostChatAsync(
            new { id = kept, trigger = "regenerate-message", messages = Array.Empty<object>() });
        await regenerated.ReadUntilAsync("start");
        await using var lost = await guest.PostChatAsync(UseChat.Body(cut, """[[emu text="New."]]""", "m1"));
        await lost.ReadUntilAsync("start");
        await Eventually.TrueAsync(async () => await RunningTurnsAsync(sendcat.Database) == 2);

        await sendcat.Replicas[0].Process.KillAsync();
        sendcat.Model.ClearDirections();
        await using (var repeated = await survivor.PostChatAsync(UseChat.Body(cut, """[[emu text="New."]]""", "m1")))
        {
            await repeated.ReadToEndAsync();
            Assert.Equal("finish", repeated.Types[^1]);
        }

        await TurnsClosedAsync(sendcat.Replicas[1]);
        Assert.Equal(["""[[emu text="Old."]]""", "Old."], (await survivor.MessagesAsync(kept)).Select(message => Text(message, "content")));
        Assert.Equal(["""[[emu text="New."]]""", "New."], (await survivor.MessagesAsync(cut)).Select(message => Text(message, "content")));
    }

    [Fact]
    public async Task A_replica_suspended_past_its_heartbeat_timeout_finds_its_turns_closed_and_changes_nothing()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 2);
        using var guest = await sendcat.GuestAsync();
        using var survivor = guest.At(sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync(Slow);
        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadUntilAsync("content");
        await Eventually.TrueAsync(async () => await ContentLengthAsync(sendcat.Database) > 20);

        sendcat.Replicas[0].Process.Pause();
        await TurnsClosedAsync(sendcat.Replicas[1]);
        var reaped = Text((await survivor.MessagesAsync(thread))[^1], "content");
        sendcat.Replicas[0].Process.Resume();

        await stream.ReadToEndAsync();
        Assert.Equal("error", stream.Types[^1]);
        Assert.Equal(
            ("error", reaped),
            (Text((await survivor.MessagesAsync(thread))[^1], "status"), Text((await survivor.MessagesAsync(thread))[^1], "content")));
    }

    [Fact]
    public async Task A_Postgres_outage_during_a_turn_delays_its_persistence_and_loses_nothing()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync(durable: true);
        await using var sendcat = await SendcatSystem.StartAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 1);
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu chunks=80 every=50ms]]");
        var other = await guest.NewThreadAsync("hello");
        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadUntilAsync("content");

        await postgres.KillAsync();
        await using (var refused = await guest.ChatAsync(other))
        {
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "upstream_unavailable"), (refused.Status, refused.ErrorCode));
        }

        await Eventually.TrueAsync(async () =>
        {
            await using var again = await guest.ChatAsync(other);
            var health = await guest.Http.GetFromJsonAsync<JsonElement>("/api/chat/health");
            return health.GetProperty("verdict").GetString() == "failing" && health.GetProperty("cause").GetString() == "store";
        });
        await postgres.StartAgainAsync();

        await stream.ReadToEndAsync();
        Assert.Equal("done", stream.Types[^1]);
        await Eventually.TrueAsync(
            async () => (await guest.MessagesAsync(thread))[^1] is var last
                && (Text(last, "role"), Text(last, "status")) == ("assistant", "completed"));
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 80)), Text((await guest.MessagesAsync(thread))[^1], "content")!.Trim());
    }

    [Fact]
    public async Task Without_Redis_new_turns_are_refused_as_unavailable_and_running_turns_continue()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 1, ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "true"));
        using var guest = await sendcat.GuestAsync();
        using var other = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu chunks=100 every=40ms]]");
        var refusedThread = await other.NewThreadAsync("[[emu chunks=2 every=0]]");
        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadUntilAsync("content");

        await redis.KillAsync();
        await Eventually.TrueAsync(async () =>
        {
            await using var refused = await other.ChatAsync(refusedThread);
            return refused is { Status: HttpStatusCode.ServiceUnavailable, ErrorCode: "upstream_unavailable" };
        });
        await redis.StartAgainAsync();

        await Eventually.TrueAsync(async () =>
        {
            await using var served = await other.ChatAsync(refusedThread);
            await served.ReadToEndAsync();
            return served.Status == HttpStatusCode.OK && served.Types[^1] == "done";
        });
        await stream.ReadToEndAsync();
        Assert.Equal("done", stream.Types[^1]);
        await Eventually.TrueAsync(async () => await LeasesAsync(sendcat.Redis) == 0);
    }

    [Fact]
    public async Task Without_Redis_a_turn_of_another_replica_is_reported_as_unavailable_and_not_as_over()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 2);
        using var guest = await sendcat.GuestAsync();
        using var elsewhere = guest.At(sendcat.Replicas[1]);
        var (running, idle) = (await guest.NewThreadAsync("[[emu chunks=4 hang=mid]]"), await guest.NewThreadAsync("hello"));
        await using var stream = await guest.ChatAsync(running);
        await stream.ReadUntilAsync("content");
        await Eventually.TrueAsync(async () => await RunningTurnsAsync(sendcat.Database) == 1);

        await redis.KillAsync();

        await using var unavailable = await elsewhere.ResumeOnceAsync(running);
        await using var nothing = await elsewhere.ResumeOnceAsync(idle);
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "upstream_unavailable", "redis_unavailable"),
            (unavailable.Status, unavailable.ErrorCode, unavailable.ErrorReason));
        Assert.Equal(HttpStatusCode.NoContent, nothing.Status);
    }

    [Fact]
    public async Task Without_Redis_and_with_fail_closed_off_turns_are_served_within_limits_of_the_process()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 1, ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "false"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu chunks=2 every=0]]");

        await redis.KillAsync();

        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadToEndAsync();
        Assert.Equal((HttpStatusCode.OK, "done"), (stream.Status, stream.Types[^1]));
    }

    [Fact]
    public async Task A_stopping_replica_lets_turns_end_within_the_drain_time_and_ends_the_others_with_an_error()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 2, ("CHAT_DRAIN_MS", "1500"));
        using var guest = await sendcat.GuestAsync();
        using var brief = await sendcat.GuestAsync();
        using var survivor = guest.At(sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync(Slow);
        await using var longer = await guest.ChatAsync(thread);
        await using var shorter = await brief.ChatAsync(await brief.NewThreadAsync("[[emu chunks=20 every=25ms]]"));
        await longer.ReadUntilAsync("content");
        await shorter.ReadUntilAsync("content");

        var stopping = sendcat.Replicas[0].Process.StopAsync(timeout: TimeSpan.FromSeconds(30));
        await Task.WhenAll(longer.ReadToEndAsync(), shorter.ReadToEndAsync());
        await stopping;

        Assert.Equal("done", shorter.Types[^1]);
        Assert.Equal(("error", "upstream_unavailable"), (longer.Types[^1], Text(longer.Events[^1], "code")));
        Assert.Equal(
            ("error", longer.Text),
            (Text((await survivor.MessagesAsync(thread))[^1], "status"), Text((await survivor.MessagesAsync(thread))[^1], "content")));
        Assert.Equal(0, await LeasesAsync(sendcat.Redis));
    }

    /// <summary>Waits until the replica has closed the turns of a dead replica.</summary>
    private static Task TurnsClosedAsync(Replica replica) =>
        replica.Process.WaitForLineAsync(line => line.Contains("turns closed", StringComparison.Ordinal), TimeSpan.FromSeconds(60));

    /// <summary>Waits until the replica has released the leases of a dead replica.</summary>
    private static Task LeasesReapedAsync(Replica replica) =>
        replica.Process.WaitForLineAsync(
            line => line.Contains("its leases were released", StringComparison.Ordinal), TimeSpan.FromSeconds(60));

    private static async Task<long> RunningTurnsAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand("select count(*) from stream_sessions where status = 'streaming'");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>The characters of the longest running answer that is persisted.</summary>
    private static async Task<long> ContentLengthAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand("select coalesce(max(length(content)), 0) from messages where status = 'streaming'");
        return Convert.ToInt64(await command.ExecuteScalarAsync(), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The leases of admission and of the bulkheads: the members of all sorted sets except the list of replicas.</summary>
    private static async Task<long> LeasesAsync(string connection)
    {
        var options = ConfigurationOptions.Parse(connection);
        await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        var total = 0L;
        foreach (var server in redis.GetServers())
        {
            await foreach (var key in server.KeysAsync(options.DefaultDatabase ?? 0))
            {
                total += key != (RedisKey)RedisKeys.Replicas && await redis.GetDatabase().KeyTypeAsync(key) == RedisType.SortedSet
                    ? await redis.GetDatabase().SortedSetLengthAsync(key)
                    : 0;
            }
        }

        return total;
    }
}

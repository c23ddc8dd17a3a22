using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>The script of claims on a Redis of the test: one call a decision, also when Redis loses scripts or responds late.</summary>
public sealed class ClaimScriptTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task One_decision_is_one_command()
    {
        await using var server = await RedisServer.StartAsync();
        await using var replica = await Replica.ConnectAsync(server.ConnectionString);
        Claim[] claims =
        [
            new LeaseClaim("user", "u", 5, Minute), new LeaseClaim("global", "g", 5, Minute), new WindowClaim("msg", "m", 9, Minute),
            new WindowClaim("tool", "t", 9, Minute, 2), new WindowClaim("limit", "l", 9, Minute), new LeaseClaim("slots", "b", 5, Minute),
        ];
        await replica.Claims.TakeAsync("first", claims, [], default);
        var before = await ScriptCallsAsync(replica.Redis);

        await replica.Claims.TakeAsync("second", claims, [new LeaseClaim("shadow", "s", 5, Minute)], default);

        Assert.Equal(before + 1, await ScriptCallsAsync(replica.Redis));
    }

    [Fact]
    public async Task Scripts_that_Redis_lost_are_loaded_again()
    {
        await using var server = await RedisServer.StartAsync();
        await using var replica = await Replica.ConnectAsync(server.ConnectionString);
        var claim = new LeaseClaim("full", "slots", 2, Minute);
        await replica.Claims.TakeAsync("one", [claim], [], default);
        await replica.Redis.ExecuteAsync("SCRIPT", "FLUSH");

        Assert.Equal(ClaimStatus.Taken, (await replica.Claims.TakeAsync("two", [claim], [], default)).Status);
        Assert.Equal(ClaimStatus.Refused, (await replica.Claims.TakeAsync("three", [claim], [], default)).Status);
    }

    [Fact]
    public async Task A_limit_holds_over_two_new_replicas_while_scripts_are_flushed()
    {
        await using var server = await RedisServer.StartAsync();
        await using var flushing = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        for (var round = 0; round < 10; round++)
        {
            var key = $"slots {round}";
            await using var one = await Replica.ConnectAsync(server.ConnectionString);
            await using var two = await Replica.ConnectAsync(server.ConnectionString);
            using var stopping = new CancellationTokenSource();
            var flushes = FlushAsync(stopping.Token);

            var outcomes = await Task.WhenAll(Enumerable.Range(0, 80).Select(n => Task.Run(() =>
                (n % 2 == 0 ? one : two).Claims.TakeAsync(
                    $"{round}-{n}", [new LeaseClaim("full", key, 20, Minute)], [], default, RedisFallback.DecideLocally).AsTask())));

            await stopping.CancelAsync();
            await flushes;
            Assert.Equal(20, outcomes.Count(outcome => outcome.Status is ClaimStatus.Taken));
            Assert.DoesNotContain(outcomes, outcome => outcome.Local);
            Assert.Equal(20, await one.Redis.SortedSetLengthAsync(key));
        }

        async Task FlushAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                await flushing.GetDatabase().ExecuteAsync("SCRIPT", "FLUSH");
            }
        }
    }

    [Fact]
    public async Task A_process_that_times_out_on_Redis_still_keeps_the_limit()
    {
        await using var server = await RedisServer.StartAsync();
        await using var replica = await Replica.ConnectAsync(server.ConnectionString, null, null, ("REDIS_DECISION_TIMEOUT_MS", "5"));

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 400).Select(n => Task.Run(() =>
            replica.Claims.TakeAsync($"turn {n}", [new LeaseClaim("full", "slots", 20, Minute)], [], default, RedisFallback.DecideLocally)
                .AsTask())));

        Assert.InRange(outcomes.Count(outcome => outcome.Status is ClaimStatus.Taken), 1, 20);
    }

    /// <summary>The number of scripts that Redis has executed.</summary>
    private static async Task<long> ScriptCallsAsync(IDatabase redis)
    {
        var stats = (string?)await redis.ExecuteAsync("INFO", "commandstats") ?? "";
        return stats.Split('\n').Where(line => line.StartsWith("cmdstat_eval", StringComparison.Ordinal))
            .Sum(line => long.Parse(line.Split("calls=")[1].Split(',')[0]));
    }
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.UnitTests.Reliability;

/// <summary>Limits are enforced even if Redis responds late or has lost the scripts.</summary>
public sealed class LateRedisResponseTests : IAsyncDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 2, 20, 12, 0, 0, TimeSpan.Zero));
    private readonly IDatabase _redis = Substitute.For<IDatabase>();
    private readonly Queue<TaskCompletionSource<RedisResult>> _byHash = [];
    private readonly Queue<TaskCompletionSource<RedisResult>> _byText = [];
    private readonly ServiceProvider _services;

    public LateRedisResponseTests()
    {
        _redis.ScriptEvaluateAsync(Arg.Any<byte[]>(), Arg.Any<RedisKey[]>(), Arg.Any<RedisValue[]>(), Arg.Any<CommandFlags>())
            .Returns(_ => Enqueue(_byHash));
        _redis.ScriptEvaluateAsync(Arg.Any<string>(), Arg.Any<RedisKey[]>(), Arg.Any<RedisValue[]>(), Arg.Any<CommandFlags>())
            .Returns(_ => Enqueue(_byText));
        var connection = Substitute.For<IConnectionMultiplexer>();
        connection.IsConnected.Returns(true);
        connection.GetDatabase(Arg.Any<int>(), Arg.Any<object?>()).Returns(_redis);
        _services = IsolatedProcess.Services(_time, () => connection, ("REDIS_DECISION_TIMEOUT_MS", "50"));
    }

    [Fact]
    public async Task A_flushed_script_is_sent_again_with_the_full_timeout()
    {
        var deciding = TakeAsync("one", new LeaseClaim("full", "lane", 20, Minute));
        _time.Advance(TimeSpan.FromMilliseconds(45));
        _byHash.Dequeue().SetException(new RedisServerException("NOSCRIPT No matching script. Please use EVAL."));
        await UntilAsync(() => _byText.Count == 1);
        _time.Advance(TimeSpan.FromMilliseconds(45));
        _byText.Dequeue().SetResult(Refused());

        var outcome = await deciding;

        Assert.Equal((ClaimStatus.Refused, false), (outcome.Status, outcome.Local));
    }

    [Fact]
    public async Task Timeouts_in_a_burst_do_not_exceed_the_limit_that_Redis_already_granted()
    {
        var claim = new LeaseClaim("full", "lane", 20, Minute);
        var deciding = Enumerable.Range(0, 60).Select(n => TakeAsync($"turn {n}", claim)).ToArray();
        for (var n = 0; n < 20; n++)
        {
            _byHash.Dequeue().SetResult(Taken());
        }

        await Task.WhenAll(deciding[..20]);
        _time.Advance(TimeSpan.FromMilliseconds(51));
        var outcomes = await Task.WhenAll(deciding);

        Assert.Equal(20, outcomes.Count(outcome => outcome.Status is ClaimStatus.Taken));
    }

    [Fact]
    public async Task While_Redis_does_not_respond_a_burst_is_admitted_up_to_the_limit()
    {
        var claim = new LeaseClaim("full", "lane", 20, Minute);
        var deciding = Enumerable.Range(0, 60).Select(n => TakeAsync($"turn {n}", claim)).ToArray();

        _time.Advance(TimeSpan.FromMilliseconds(51));
        var outcomes = await Task.WhenAll(deciding);

        Assert.Equal(20, outcomes.Count(outcome => outcome.Status is ClaimStatus.Taken));
    }

    [Fact]
    public async Task Local_decisions_include_what_Redis_counted_in_the_window()
    {
        var window = new WindowClaim("rate", "window", 3, Minute);
        for (var n = 0; n < 2; n++)
        {
            var counted = TakeAsync($"turn {n}", window);
            _byHash.Dequeue().SetResult(Taken());
            Assert.False((await counted).Local);
        }

        var third = TakeAsync("third", window);
        _time.Advance(TimeSpan.FromMilliseconds(51));
        var fourth = TakeAsync("fourth", window);
        _time.Advance(TimeSpan.FromMilliseconds(51));

        Assert.Equal((ClaimStatus.Taken, ClaimStatus.Refused), ((await third).Status, (await fourth).Status));
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private Task<ClaimOutcome> TakeAsync(string holder, Claim claim) =>
        _services.GetRequiredService<ClaimStore>().TakeAsync(holder, [claim], [], default, RedisFallback.DecideLocally).AsTask();

    private static Task<RedisResult> Enqueue(Queue<TaskCompletionSource<RedisResult>> calls)
    {
        var call = new TaskCompletionSource<RedisResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (calls)
        {
            calls.Enqueue(call);
        }

        return call.Task;
    }

    /// <summary>Yields until a continuation on another thread makes the condition true.</summary>
    private static async Task UntilAsync(Func<bool> reached)
    {
        while (!reached())
        {
            await Task.Yield();
        }
    }

    private static RedisResult Taken() => Response(1, 0);

    private static RedisResult Refused() => Response(0, 1);

    private static RedisResult Response(int taken, int by) =>
        RedisResult.Create(new[] { taken, by, -1, -1, by }.Select(number => RedisResult.Create((RedisValue)number)).ToArray());
}

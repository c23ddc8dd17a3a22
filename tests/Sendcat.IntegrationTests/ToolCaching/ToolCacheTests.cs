using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.ToolCache;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.ToolCaching;

public sealed class ToolCacheTests(SharedStores stores)
{
    private static readonly ToolCacheNamespace Web = new("search_web_v1", TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30));

    [Fact]
    public async Task A_value_is_fresh_for_its_time_and_stands_in_a_while_longer()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
        await using var replica = await ReplicaAsync(await KeyspaceAsync(), clock);
        await replica.Cache.SetAsync(Web, "kettle", """{"a":1}""", CancellationToken.None);

        Assert.Equal("""{"a":1}""", await replica.Cache.GetAsync(Web, "kettle", CancellationToken.None));
        clock.Advance(Web.Ttl);

        Assert.Null(await replica.Cache.GetAsync(Web, "kettle", CancellationToken.None));
        Assert.Equal(new CachedValue("""{"a":1}""", IsFresh: false), await replica.Cache.GetEvenStaleAsync(Web, "kettle", CancellationToken.None));
        Assert.Null(await replica.Cache.GetEvenStaleAsync(Web with { Name = "search_web_v2" }, "kettle", CancellationToken.None));
    }

    [Fact]
    public async Task A_value_that_is_too_large_is_not_kept_at_all()
    {
        await using var replica = await ReplicaAsync(await KeyspaceAsync());

        Assert.True(await replica.Cache.SetAsync(Web, "just", new string('x', ToolCache.MaxValueLength), CancellationToken.None));
        Assert.False(await replica.Cache.SetAsync(Web, "more", new string('x', ToolCache.MaxValueLength + 1), CancellationToken.None));

        Assert.Equal(ToolCache.MaxValueLength, (await replica.Cache.GetAsync(Web, "just", CancellationToken.None))!.Length);
        Assert.Null(await replica.Cache.GetAsync(Web, "more", CancellationToken.None));
    }

    [Fact]
    public async Task One_of_all_replicas_fills_an_entry()
    {
        var keyspace = await KeyspaceAsync();
        await using var here = await ReplicaAsync(keyspace);
        await using var there = await ReplicaAsync(keyspace);
        var fills = 0;
        var release = new TaskCompletionSource();

        var asked = Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? here : there).Cache.GetOrFillAsync(Web, "kettle", async _ =>
        {
            Interlocked.Increment(ref fills);
            await release.Task;
            return new("value");
        }, CancellationToken.None)).ToArray();
        release.SetResult();

        Assert.All(await Task.WhenAll(asked), value => Assert.Equal("value", value));
        Assert.Equal(1, fills);
    }

    [Fact]
    public async Task A_stale_value_stands_in_for_a_failing_upstream()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
        await using var replica = await ReplicaAsync(await KeyspaceAsync(), clock);
        await replica.Cache.SetAsync(Web, "kettle", "old", CancellationToken.None);
        clock.Advance(Web.Ttl);

        Assert.Equal("old", await replica.Cache.GetOrFillAsync(Web, "kettle", _ => throw new InvalidOperationException("HTTP 503"), CancellationToken.None));
        await Assert.ThrowsAsync<InvalidOperationException>(() => replica.Cache.GetOrFillAsync(Web, "never seen", _ => throw new InvalidOperationException("HTTP 503"), CancellationToken.None));
    }

    [Fact]
    public async Task A_partial_result_is_shown_and_not_kept()
    {
        await using var replica = await ReplicaAsync(await KeyspaceAsync());

        Assert.Equal("part", await replica.Cache.GetOrFillAsync(Web, "kettle", _ => Task.FromResult(new CacheFill("part", Cacheable: false)), CancellationToken.None));

        Assert.Null(await replica.Cache.GetAsync(Web, "kettle", CancellationToken.None));
    }

    [Fact]
    public async Task A_namespace_is_counted_and_cleared_without_its_neighbours()
    {
        await using var replica = await ReplicaAsync(await KeyspaceAsync());
        var products = new ToolCacheNamespace("search_products_v1", TimeSpan.FromMinutes(10), TimeSpan.Zero);
        for (var i = 0; i < 25; i++)
        {
            await replica.Cache.SetAsync(Web, $"query {i}", "{}", CancellationToken.None);
        }

        await replica.Cache.SetAsync(products, "kettle", "{}", CancellationToken.None);

        Assert.Equal(new Dictionary<string, int> { ["search_products_v1"] = 1, ["search_web_v1"] = 25 }, await replica.Cache.StatisticsAsync(CancellationToken.None));
        Assert.Equal(new(10, HasMore: true), await replica.Cache.ClearNamespaceAsync("search_web_v1", maxDeletes: 10));
        Assert.Equal(new(15, HasMore: false), await replica.Cache.ClearNamespaceAsync("search_web_v1"));
        Assert.Null(await replica.Cache.GetAsync(Web, "query 3", CancellationToken.None));
        Assert.Equal("{}", await replica.Cache.GetAsync(products, "kettle", CancellationToken.None));
    }

    [Fact]
    public async Task Without_Redis_every_question_is_filled_and_nothing_fails()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var replica = await ReplicaAsync(redis.CreateDatabase());
        await redis.KillAsync();

        Assert.Null(await replica.Cache.GetAsync(Web, "kettle", CancellationToken.None));
        Assert.Equal("value", await replica.Cache.GetOrFillAsync(Web, "kettle", _ => Task.FromResult(new CacheFill("value")), CancellationToken.None));
        Assert.Empty(await replica.Cache.StatisticsAsync(CancellationToken.None));
        await Assert.ThrowsAsync<TimeoutException>(() => replica.Cache.NamespacesAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_Redis_that_lost_everything_learns_its_namespaces_again()
    {
        await using var replica = await ReplicaAsync(await KeyspaceAsync());
        await replica.Cache.SetAsync(Web, "before", "{}", CancellationToken.None);
        await replica.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase().ExecuteAsync("FLUSHDB");

        await replica.Cache.SetAsync(Web, "after", "{}", CancellationToken.None);

        Assert.Equal([Web.Name], await replica.Cache.NamespacesAsync(CancellationToken.None));
        Assert.Equal(1, (await replica.Cache.StatisticsAsync(CancellationToken.None))[Web.Name]);
    }

    [Fact]
    public async Task A_silent_Redis_holds_nobody_up_who_brings_a_value()
    {
        var time = new FakeTimeProvider();
        await using var redis = await RedisServer.StartAsync();
        await using var replica = await ReplicaAsync(redis.CreateDatabase(), time);
        await redis.PauseAsync();
        for (var misses = 0; misses < 3; misses++)
        {
            var asked = replica.Cache.GetAsync(Web, "kettle", CancellationToken.None);
            time.Advance(TimeSpan.FromMilliseconds(55));
            Assert.Null(await asked);
        }

        var kept = replica.Cache.SetAsync(Web, "kettle", "value", CancellationToken.None);

        Assert.True(kept.IsCompleted);
        Assert.False(await kept);
        await redis.ResumeAsync();
    }

    [Fact]
    public async Task A_clock_that_rings_late_gives_the_answer_its_time_once_more()
    {
        var time = new FakeTimeProvider();
        await using var redis = await RedisServer.StartAsync();
        await using var replica = await ReplicaAsync(redis.CreateDatabase(), time);
        Assert.True(await replica.Cache.SetAsync(Web, "kettle", "value", CancellationToken.None));
        await redis.PauseAsync();

        var asked = replica.Cache.GetAsync(Web, "kettle", CancellationToken.None);
        time.Advance(TimeSpan.FromMilliseconds(400));
        Assert.False(asked.IsCompleted);
        await redis.ResumeAsync();

        Assert.Equal("value", await asked);
    }

    private async Task<string> KeyspaceAsync() => (await stores.RedisAsync()).CreateDatabase();

    private static async Task<Replica> ReplicaAsync(string redis, TimeProvider? time = null)
    {
        var services = new ServiceCollection().AddLogging().AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        var connection = await ConnectionMultiplexer.ConnectAsync(redis);
        services.AddSingleton<IConnectionMultiplexer>(connection);
        if (time is not null)
        {
            services.AddSingleton(time);
        }

        var provider = services.AddToolCache().BuildServiceProvider();
        return new(provider, provider.GetRequiredService<ToolCache>());
    }

    private sealed record Replica(ServiceProvider Services, ToolCache Cache) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Services.DisposeAsync();
    }
}

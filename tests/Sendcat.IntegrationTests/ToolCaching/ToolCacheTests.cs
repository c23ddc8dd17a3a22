using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.ToolCache;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.ToolCaching;

/// <summary>The tool cache with a real Redis: expiry, stale values, single flight, namespaces and slow or missing responses.</summary>
public sealed class ToolCacheTests(SharedStores stores)
{
    private static readonly ToolCacheNamespace Web = new("search_web_v1", TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30));

    [Fact]
    public async Task A_value_is_fresh_for_its_ttl_and_then_stale()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
        await using var replica = await ReplicaAsync(await KeyspaceAsync(), clock);
        await replica.Cache.SetAsync(Web, "kettle", """{"a":1}""", CancellationToken.None);

        Assert.Equal("""{"a":1}""", await replica.Cache.GetAsync(Web, "kettle", CancellationToken.None));
        clock.Advance(Web.Ttl);

        Assert.Null(await replica.Cache.GetAsync(Web, "kettle", CancellationToken.None));
        Assert.Equal(
            new CachedValue("""{"a":1}""", IsFresh: false), await replica.Cache.GetEvenStaleAsync(Web, "kettle", CancellationToken.None));
        Assert.Null(await replica.Cache.GetEvenStaleAsync(Web with { Name = "search_web_v2" }, "kettle", CancellationToken.None));
    }

    [Fact]
    public async Task A_value_over_the_size_limit_is_not_cached()
    {
        await using var replica = await ReplicaAsync(await KeyspaceAsync());

        Assert.True(await replica.Cache.SetAsync(Web, "at limit", new string('x', ToolCache.MaxValueLength), CancellationToken.None));
        Assert.False(
            await replica.Cache.SetAsync(Web, "over limit", new string('x', ToolCache.MaxValueLength + 1), CancellationToken.None));

        Assert.Equal(ToolCache.MaxValueLength, (await replica.Cache.GetAsync(Web, "at limit", CancellationToken.None))!.Length);
        Assert.Null(await replica.Cache.GetAsync(Web, "over limit", CancellationToken.None));
    }

    [Fact]
    public async Task Concurrent_misses_on_all_replicas_fill_an_entry_once()
    {
        var keyspace = await KeyspaceAsync();
        await using var one = await ReplicaAsync(keyspace);
        await using var other = await ReplicaAsync(keyspace);
        var fills = 0;
        var release = new TaskCompletionSource();

        var lookups = Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? one : other).Cache.GetOrFillAsync(Web, "kettle", async _ =>
        {
            Interlocked.Increment(ref fills);
            await release.Task;
            return new("value");
        }, CancellationToken.None)).ToArray();
        release.SetResult();

        Assert.All(await Task.WhenAll(lookups), value => Assert.Equal("value", value));
        Assert.Equal(1, fills);
    }

    [Fact]
    public async Task A_stale_value_is_served_when_the_upstream_fails()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
        await using var replica = await ReplicaAsync(await KeyspaceAsync(), clock);
        await replica.Cache.SetAsync(Web, "kettle", "old", CancellationToken.None);
        clock.Advance(Web.Ttl);

        Assert.Equal(
            "old",
            await replica.Cache.GetOrFillAsync(
                Web, "kettle", _ => throw new InvalidOperationException("HTTP 503"), CancellationToken.None));
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => replica.Cache.GetOrFillAsync(
                Web, "not cached", _ => throw new InvalidOperationException("HTTP 503"), CancellationToken.None));
    }

    [Fact]
    public async Task A_partial_result_is_returned_and_not_cached()
    {
        await using var replica = await ReplicaAsync(await KeyspaceAsync());

        Assert.Equal(
            "part",
            await replica.Cache.GetOrFillAsync(
                Web, "kettle", _ => Task.FromResult(new CacheFill("part", Cacheable: false)), CancellationToken.None));

        Assert.Null(await replica.Cache.GetAsync(Web, "kettle", CancellationToken.None));
    }

    [Fact]
    public async Task A_namespace_is_counted_and_cleared_without_affecting_others()
    {
        await using var replica = await ReplicaAsync(await KeyspaceAsync());
        var products = new ToolCacheNamespace("search_products_v1", TimeSpan.FromMinutes(10), TimeSpan.Zero);
        for (var i = 0; i < 25; i++)
        {
            await replica.Cache.SetAsync(Web, $"query {i}", "{}", CancellationToken.None);
        }

        await replica.Cache.SetAsync(products, "kettle", "{}", CancellationToken.None);

        Assert.Equal(
            new Dictionary<string, int> { ["search_products_v1"] = 1, ["search_web_v1"] = 25 },
            await replica.Cache.StatisticsAsync(CancellationToken.None));
        Assert.Equal(new(10, HasMore: true), await replica.Cache.ClearNamespaceAsync("search_web_v1", maxDeletes: 10));
        Assert.Equal(new(15, HasMore: false), await replica.Cache.ClearNamespaceAsync("search_web_v1"));
        Assert.Null(await replica.Cache.GetAsync(Web, "query 3", CancellationToken.None));
        Assert.Equal("{}", await replica.Cache.GetAsync(products, "kettle", CancellationToken.None));
    }

    [Fact]
    public async Task Without_Redis_every_lookup_is_filled_and_none_fails()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var replica = await ReplicaAsync(redis.CreateDatabase());
        await redis.KillAsync();

        Assert.Null(await replica.Cache.GetAsync(Web, "kettle", CancellationToken.None));
        Assert.Equal(
            "value",
            await replica.Cache.GetOrFillAsync(Web, "kettle", _ => Task.FromResult(new CacheFill("value")), CancellationToken.None));
        Assert.Empty(await replica.Cache.StatisticsAsync(CancellationToken.None));
        await Assert.ThrowsAsync<TimeoutException>(() => replica.Cache.NamespacesAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Namespaces_are_registered_again_after_Redis_lost_its_data()
    {
        await using var replica = await ReplicaAsync(await KeyspaceAsync());
        await replica.Cache.SetAsync(Web, "before", "{}", CancellationToken.None);
        await replica.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase().ExecuteAsync("FLUSHDB");

        await replica.Cache.SetAsync(Web, "after", "{}", CancellationToken.None);

        Assert.Equal([Web.Name], await replica.Cache.NamespacesAsync(CancellationToken.None));
        Assert.Equal(1, (await replica.Cache.StatisticsAsync(CancellationToken.None))[Web.Name]);
    }

    [Fact]
    public async Task A_write_does_not_wait_for_a_Redis_that_does_not_respond()
    {
        var time = new FakeTimeProvider();
        await using var redis = await RedisServer.StartAsync();
        await using var replica = await ReplicaAsync(redis.CreateDatabase(), time);
        await redis.PauseAsync();
        for (var misses = 0; misses < 3; misses++)
        {
            var lookup = replica.Cache.GetAsync(Web, "kettle", CancellationToken.None);
            time.Advance(TimeSpan.FromMilliseconds(55));
            Assert.Null(await lookup);
        }

        var write = replica.Cache.SetAsync(Web, "kettle", "value", CancellationToken.None);

        Assert.True(write.IsCompleted);
        Assert.False(await write);
        await redis.ResumeAsync();
    }

    [Fact]
    public async Task A_timeout_that_fires_late_extends_the_wait_once()
    {
        var time = new FakeTimeProvider();
        await using var redis = await RedisServer.StartAsync();
        await using var replica = await ReplicaAsync(redis.CreateDatabase(), time);
        Assert.True(await replica.Cache.SetAsync(Web, "kettle", "value", CancellationToken.None));
        await redis.PauseAsync();

        var lookup = replica.Cache.GetAsync(Web, "kettle", CancellationToken.None);
        time.Advance(TimeSpan.FromMilliseconds(400));
        Assert.False(lookup.IsCompleted);
        await redis.ResumeAsync();

        Assert.Equal("value", await lookup);
    }

    [Fact]
    public async Task Calls_on_a_connection_that_is_reset_are_not_stored_and_throw_nothing()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var replica = await ReplicaAsync(redis.ConnectionString);
        await using var operatorConnection = await ConnectionMultiplexer.ConnectAsync($"{redis.ConnectionString},allowAdmin=true");
        var value = new string('x', ToolCache.MaxValueLength);

        for (var round = 0; round < 5; round++)
        {
            // No signal reports that the next write can be sent again.
            await Eventually.TrueAsync(async () => await replica.Cache.SetAsync(Web, "kettle", value, CancellationToken.None));
            var writes = Enumerable.Range(0, 64).Select(
                _ => replica.Cache.SetAsync(Web, "kettle", value, CancellationToken.None).AsTask()).ToArray();
            await operatorConnection.GetDatabase().ExecuteAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");

            await Task.WhenAll(writes);
        }
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

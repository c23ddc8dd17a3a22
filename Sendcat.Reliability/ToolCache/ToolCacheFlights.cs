using System.Collections.Concurrent;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.Reliability.ToolCache;

/// <summary>Sees to it that an entry is filled once at a time: by one task in this process, and by one process among all. Without Redis each process fills for itself.</summary>
internal sealed class ToolCacheFlights(IConnectionMultiplexer connection, GuardedRedis redis, TimeProvider time)
{
    private static readonly RedisScript Listed = RedisScript.Embedded("namespaces.lua");

    private readonly ConcurrentDictionary<(string Space, string Key), Lazy<Task<string>>> _flights = [];

    public GuardedRedis Redis => redis;

    public IConnectionMultiplexer Connection => connection;

    public TimeProvider Time => time;

    public Task<string> JoinAsync(string space, string key, Func<Flight, Task<string>> fill) =>
        _flights.GetOrAdd((space, key), id => new(() => RunFlightAsync(id.Space, id.Key, fill))).Value;

    /// <summary>Puts the namespace's name on the list; with every entry, since Redis may have lost its list meanwhile.</summary>
    public async Task ListAsync(string space)
    {
        if (connection.IsConnected)
        {
            await connection.GetDatabase().SetAddAsync(RedisKeys.ToolCacheNamespaces, space, CommandFlags.FireAndForget);
        }
    }

    /// <returns>In alphabetical order; null when Redis is away.</returns>
    public async Task<IReadOnlyList<string>?> ListedAsync(CancellationToken cancellationToken) =>
        await redis.MaintainAsync(Listed, [RedisKeys.ToolCacheNamespaces], [], cancellationToken) is { } names ? [.. ((string[])names!).Order(StringComparer.Ordinal)] : null;

    private async Task<string> RunFlightAsync(string space, string key, Func<Flight, Task<string>> fill)
    {
        await using var flight = new Flight(this, space, key);
        try
        {
            return await fill(flight);
        }
        finally
        {
            _flights.TryRemove((space, key), out _);
        }
    }
}

/// <summary>The filling of one entry, as seen by this process.</summary>
internal sealed class Flight(ToolCacheFlights flights, string space, string key) : IAsyncDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>How long news is waited for before looking for oneself: word may be lost.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(500);

    private static readonly RedisScript TakeOff = RedisScript.Embedded("takeoff.lua");
    private static readonly RedisScript Land = RedisScript.Embedded("land.lua");

    private readonly CancellationTokenSource _over = new(Longest, flights.Time);
    private readonly string _who = Guid.NewGuid().ToString("N");
    private ChannelMessageQueue? _news;
    private bool _flying;

    /// <summary>The flight has taken too long.</summary>
    public CancellationToken Over => _over.Token;

    /// <returns>True: it is ours to fill, or nobody can say whose.</returns>
    public async ValueTask<bool> TakeOffAsync()
    {
        var answer = await flights.Redis.MaintainAsync(TakeOff, [RedisKeys.ToolCacheFlight(space, key)], [_who, (long)Longest.TotalMilliseconds], Over);
        _flying = answer is not null && (int)answer == 1;
        return answer is null || _flying;
    }

    /// <summary>Ends when a flight for this entry has landed somewhere, or after half a second.</summary>
    public async ValueTask NewsAsync()
    {
        using var patience = new CancellationTokenSource(LookAgain, flights.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, Over);
        try
        {
            _news ??= await flights.Connection.GetSubscriber().SubscribeAsync(RedisKeys.ToolCacheNews);
            while ((await _news.ReadAsync(either.Token)).Message != Word)
            {
            }
        }
        catch (OperationCanceledException) when (!Over.IsCancellationRequested)
        {
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            await Task.Delay(LookAgain, flights.Time, Over);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_news is { } news)
        {
            await news.UnsubscribeAsync(CommandFlags.FireAndForget);
        }

        if (_flying)
        {
            await flights.Redis.MaintainAsync(Land, [RedisKeys.ToolCacheFlight(space, key)], [_who], CancellationToken.None);
            using var span = RedisSpan.Start("signal cache filled", "PUBLISH");
            await flights.Connection.GetSubscriber().PublishAsync(RedisKeys.ToolCacheNews, Word, CommandFlags.FireAndForget);
        }

        _over.Dispose();
    }

    private string Word => $"{space}\n{key}";
}

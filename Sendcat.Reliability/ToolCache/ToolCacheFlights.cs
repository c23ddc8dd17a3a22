using System.Collections.Concurrent;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.Reliability.ToolCache;

/// <summary>
/// Single flight for the fill of a cache entry: one task in this process, and one process among all. While Redis is unavailable each
/// process fills on its own.
/// </summary>
internal sealed class ToolCacheFlights(IConnectionMultiplexer connection, GuardedRedis redis, TimeProvider time)
{
    private static readonly RedisScript NamespacesScript = RedisScript.Embedded("namespaces.lua");

    private readonly ConcurrentDictionary<(string Space, string Key), Lazy<Task<string>>> _flights = [];

    public GuardedRedis Redis => redis;

    public IConnectionMultiplexer Connection => connection;

    public TimeProvider Time => time;

    public Task<string> JoinAsync(string space, string key, Func<Flight, Task<string>> fill) =>
        _flights.GetOrAdd((space, key), id => new(() => RunFlightAsync(id.Space, id.Key, fill))).Value;

    /// <summary>Adds the name to the set of namespaces. It is called for every entry, because Redis may have lost the set.</summary>
    public async Task AddNamespaceAsync(string space)
    {
        if (connection.IsConnected)
        {
            await connection.GetDatabase().SetAddAsync(RedisKeys.ToolCacheNamespaces, space, CommandFlags.FireAndForget);
        }
    }

    /// <returns>The names of all namespaces in ordinal order; null while Redis is unavailable.</returns>
    public async Task<IReadOnlyList<string>?> NamespacesAsync(CancellationToken cancellationToken) =>
        await redis.MaintainAsync(NamespacesScript, [RedisKeys.ToolCacheNamespaces], [], cancellationToken) is { } names
            ? [.. ((string[])names!).Order(StringComparer.Ordinal)]
            : null;

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

/// <summary>This process's part in the fill of one entry.</summary>
internal sealed class Flight(ToolCacheFlights flights, string space, string key) : IAsyncDisposable
{
    private static readonly TimeSpan FillTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Maximum wait for the signal of another process before the cache is read again. The signal may be lost.</summary>
    private static readonly TimeSpan SignalTimeout = TimeSpan.FromMilliseconds(500);

    private static readonly RedisScript AcquireScript = RedisScript.Embedded("acquire_fill.lua");
    private static readonly RedisScript ReleaseScript = RedisScript.Embedded("release_fill.lua");

    private readonly CancellationTokenSource _timedOut = new(FillTimeout, flights.Time);
    private readonly string _owner = Guid.NewGuid().ToString("N");
    private ChannelMessageQueue? _signals;
    private bool _acquired;

    /// <summary>Cancelled 30 s after the start of the fill.</summary>
    public CancellationToken TimedOut => _timedOut.Token;

    /// <returns>
    /// True: this process must fill the entry, because it acquired the fill or Redis is unavailable. False: another process fills it.
    /// </returns>
    public async ValueTask<bool> TryAcquireAsync()
    {
        var reply = await flights.Redis.MaintainAsync(
            AcquireScript, [RedisKeys.ToolCacheFlight(space, key)], [_owner, (long)FillTimeout.TotalMilliseconds], TimedOut);
        _acquired = reply is not null && (int)reply == 1;
        return reply is null || _acquired;
    }

    /// <summary>Waits until another process signals that its fill has ended, at most half a second.</summary>
    public async ValueTask WaitForFillAsync()
    {
        using var timeout = new CancellationTokenSource(SignalTimeout, flights.Time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, TimedOut);
        try
        {
            _signals ??= await flights.Connection.GetSubscriber().SubscribeAsync(RedisKeys.ToolCacheChanged);
            while ((await _signals.ReadAsync(linked.Token)).Message != SignalText)
            {
            }
        }
        catch (OperationCanceledException) when (!TimedOut.IsCancellationRequested)
        {
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            await Task.Delay(SignalTimeout, flights.Time, TimedOut);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_signals is { } signals)
        {
            await signals.UnsubscribeAsync(CommandFlags.FireAndForget);
        }

        if (_acquired)
        {
            await flights.Redis.MaintainAsync(ReleaseScript, [RedisKeys.ToolCacheFlight(space, key)], [_owner], CancellationToken.None);
            using var span = RedisSpan.Start("signal cache filled", "PUBLISH");
            await flights.Connection.GetSubscriber().PublishAsync(RedisKeys.ToolCacheChanged, SignalText, CommandFlags.FireAndForget);
        }

        _timedOut.Dispose();
    }

    private string SignalText => $"{space}\n{key}";
}

using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Sendcat.ServiceDefaults.Redis;

/// <summary>How every Redis connection behaves while Redis is away.</summary>
internal static class RedisConnectionDefaults
{
    private const int LongestConnectMs = 2_000;
    private const int FirstReconnectMs = 200;
    private const int SlowestReconnectMs = 5_000;

    public static void AddRedisConnectionDefaults(this IServiceCollection services) =>
        services.PostConfigureAll<ConfigurationOptions>(options =>
        {
            options.AbortOnConnectFail = false;

            // The first connect blocks who resolves the multiplexer: the whole of this time when Redis is away.
            options.ConnectTimeout = Math.Min(options.ConnectTimeout, LongestConnectMs);
            options.ReconnectRetryPolicy = new ExponentialRetry(FirstReconnectMs, SlowestReconnectMs);

            // The client's own threads would be woken for each send and each answer; the pool's threads are awake already.
            options.SocketManager = SocketManager.ThreadPool;

            // A queued command would be carried out after the reconnect, when its caller has long decided without it: a lease that nobody holds.
            options.BacklogPolicy = BacklogPolicy.FailFast;
        });
}

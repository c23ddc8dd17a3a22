using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Sendcat.ServiceDefaults.Redis;

/// <summary>Settings of every Redis connection, for the case that Redis is unavailable.</summary>
internal static class RedisConnectionDefaults
{
    private const int MaxConnectMs = 2_000;
    private const int MinReconnectMs = 200;
    private const int MaxReconnectMs = 5_000;

    public static void AddRedisConnectionDefaults(this IServiceCollection services) =>
        services.PostConfigureAll<ConfigurationOptions>(options =>
        {
            options.AbortOnConnectFail = false;

            // The first connect blocks the code that resolves the multiplexer, for this whole time when Redis is unavailable.
            options.ConnectTimeout = Math.Min(options.ConnectTimeout, MaxConnectMs);
            options.ReconnectRetryPolicy = new ExponentialRetry(MinReconnectMs, MaxReconnectMs);

            // The client's own threads would have to wake for each command and each reply. Threads of the thread pool are usually running
            // already.
            options.SocketManager = SocketManager.ThreadPool;

            // A queued command would run after the reconnect, when its caller has already decided without it. It could create a lease
            // without a holder.
            options.BacklogPolicy = BacklogPolicy.FailFast;
        });
}

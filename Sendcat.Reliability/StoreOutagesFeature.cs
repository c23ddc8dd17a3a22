using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.ToolJobs.Messages;
using StackExchange.Redis;

namespace Sendcat.Reliability;

internal static class StoreOutagesFeature
{
    public static IServiceCollection AddStoreOutages(this IServiceCollection services)
    {
        services.TryAddSingleton(provider =>
            Create(provider.GetRequiredService<ILogger<StoreOutages>>(), provider.GetRequiredService<TimeProvider>()));
        return services;
    }

    public static StoreOutages Create(ILogger logger, TimeProvider time) => new()
    {
        Postgres = new("Postgres", IsOutageOfPostgres, logger, time),
        Redis = new("Redis", cause => RedisFailure.Is(cause) && cause is not RedisServerException, logger, time),
        RabbitMq = new("RabbitMQ", BrokerFailure.Is, logger, time),
    };

    // Work with a timeout sees the cancellation of its own token when Postgres is too slow.
    private static bool IsOutageOfPostgres(Exception cause) =>
        cause is OperationCanceledException || (PostgresFailure.IsUnavailable(cause) && !PostgresFailure.IsLockConflict(cause));
}

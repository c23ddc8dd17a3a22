using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Sendcat.ServiceDefaults.Broker;

namespace Sendcat.ServiceDefaults.Health;

/// <summary>
/// What the stores' health checks, whoever registered them, mean for readiness. Every one is bounded in time. PostgreSQL is the record, nothing works without it. Redis and
/// RabbitMQ may be away: replicas that say "unready" because of it would all leave the load balancer at once and turn a degraded service into none.
/// </summary>
internal sealed class ReadinessPolicy : IPostConfigureOptions<HealthCheckServiceOptions>
{
    public const string RedisCheck = "StackExchange.Redis";
    public const string BrokerCheck = "RabbitMQ.Client";

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public void PostConfigure(string? name, HealthCheckServiceOptions options)
    {
        foreach (var check in options.Registrations)
        {
            var ask = check.Factory;
            if (IsNamed(check, BrokerCheck))
            {
                // Aspire's own check connects inside the constructor of the connection, which blocks for as long as its retries take.
                ask = services => ActivatorUtilities.GetServiceOrCreateInstance<BrokerHealthCheck>(services);
            }

            if (IsNamed(check, BrokerCheck) || IsNamed(check, RedisCheck))
            {
                check.FailureStatus = HealthStatus.Degraded;
            }

            BoundedHealthCheck? bounded = null;
            check.Factory = services => LazyInitializer.EnsureInitialized(
                ref bounded,
                () => new BoundedHealthCheck(ask, services.GetRequiredService<IServiceScopeFactory>(), services.GetRequiredService<TimeProvider>()));
        }
    }

    private static bool IsNamed(HealthCheckRegistration check, string name) => check.Name.StartsWith(name, StringComparison.Ordinal);
}

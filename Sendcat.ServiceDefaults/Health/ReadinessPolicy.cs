using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Sendcat.ServiceDefaults.Broker;

namespace Sendcat.ServiceDefaults.Health;

/// <summary>
/// Maps the health checks of the stores to readiness, independent of the code that registered them. Every check gets a timeout. PostgreSQL
/// is required. Redis and RabbitMQ may be unavailable: if replicas reported "unready" for them, the load balancer would remove all replicas
/// at once and turn a degraded service into an outage.
/// </summary>
internal sealed class ReadinessPolicy : IPostConfigureOptions<HealthCheckServiceOptions>
{
    public const string RedisCheck = "StackExchange.Redis";
    public const string BrokerCheck = "RabbitMQ.Client";

    /// <summary>
    /// Timeout of each check of a store that was healthy before. The checks run side by side, so health responds within a second when a
    /// store hangs.
    /// </summary>
    public static readonly TimeSpan CheckTimeout = TimeSpan.FromMilliseconds(750);

    /// <summary>Timeout of a check until it was healthy for the first time: the connection is opened then, and the code is new.</summary>
    public static readonly TimeSpan FirstCheckTimeout = TimeSpan.FromSeconds(2);

    public void PostConfigure(string? name, HealthCheckServiceOptions options)
    {
        foreach (var check in options.Registrations)
        {
            var createCheck = check.Factory;
            if (IsNamed(check, BrokerCheck))
            {
                // Aspire's own check opens the connection in a constructor, which blocks until its retries have ended.
                createCheck = services => ActivatorUtilities.GetServiceOrCreateInstance<BrokerHealthCheck>(services);
            }

            if (IsNamed(check, BrokerCheck) || IsNamed(check, RedisCheck))
            {
                check.FailureStatus = HealthStatus.Degraded;
            }

            BoundedHealthCheck? bounded = null;
            check.Factory = services => LazyInitializer.EnsureInitialized(
                ref bounded,
                () => new BoundedHealthCheck(
                    createCheck, services.GetRequiredService<IServiceScopeFactory>(), services.GetRequiredService<TimeProvider>()));
        }
    }

    private static bool IsNamed(HealthCheckRegistration check, string name) => check.Name.StartsWith(name, StringComparison.Ordinal);
}

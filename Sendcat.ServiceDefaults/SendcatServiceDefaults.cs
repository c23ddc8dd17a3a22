using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ServiceDefaults.Broker;
using Sendcat.ServiceDefaults.Connections;
using Sendcat.ServiceDefaults.CrashReports;
using Sendcat.ServiceDefaults.Health;
using Sendcat.ServiceDefaults.Redis;
using Sendcat.ServiceDefaults.Telemetry;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// The common setup of every Sendcat program: logs, telemetry, health, service discovery, crash reports, connections that tolerate
/// unavailable stores, and a cap on client connections.
/// </summary>
public static class SendcatServiceDefaults
{
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.AddConsoleLogs();
        builder.AddTelemetry();
        builder.AddSentry();
        builder.Services.AddHealth();
        builder.Services.AddConnectionLimits();
        builder.Services.AddRedisConnectionDefaults();
        builder.Services.AddBrokerConnection();
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http => http.AddServiceDiscovery());
        return builder;
    }

    /// <summary>
    /// Maps <c>/health</c> (readiness: the process can take work) and <c>/alive</c> (liveness: the process runs, independent of the
    /// stores).
    /// </summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapHealth();
        return app;
    }
}

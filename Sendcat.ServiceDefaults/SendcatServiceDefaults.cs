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

/// <summary>What every program of Sendcat has before it has a feature: logs, telemetry, health, service discovery, crash reports, stores that may be away, a cap on connections.</summary>
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

    /// <summary><c>/health</c>: may this process be sent work. <c>/alive</c>: does it run at all; the stores do not matter.</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapHealth();
        return app;
    }
}

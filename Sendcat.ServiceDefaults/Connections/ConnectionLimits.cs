using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>Registers the cap on client connections, so that clients cannot use up the file descriptors of the process.</summary>
internal static class ConnectionLimits
{
    public static void AddConnectionLimits(this IServiceCollection services)
    {
        services.TryAddSingleton(_ => ConnectionCap.OfThisProcess());
        services.TryAddSingleton<ConnectionCount>();
        services.TryAddSingleton(
            provider => new DescriptorWatch(DescriptorWatch.CanOpenDescriptors, provider.GetRequiredService<TimeProvider>()));

        // Kestrel tries the transport that was registered last first.
        services.AddSingleton<IConnectionListenerFactory, CappedTransport>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>>(provider => new ConfigureOptions<KestrelServerOptions>(kestrel =>
        {
            var cap = provider.GetRequiredService<ConnectionCap>();
            kestrel.Limits.MaxConcurrentConnections = cap.Connections;
            kestrel.Limits.MaxConcurrentUpgradedConnections = cap.Connections;
        }));
        services.AddHostedService<StartupLog>();
    }

    private sealed class StartupLog(ConnectionCap cap, ILogger<ConnectionCap> logger) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            logger.ConnectionsCapped(cap.Connections, cap.Descriptors, cap.Reserved);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

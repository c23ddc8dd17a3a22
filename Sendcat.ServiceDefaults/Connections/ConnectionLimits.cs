using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>No client, and no number of them, can use up the descriptors of a process.</summary>
internal static class ConnectionLimits
{
    public static void AddConnectionLimits(this IServiceCollection services)
    {
        services.TryAddSingleton(_ => ConnectionCap.OfThisProcess());
        services.TryAddSingleton<ConnectionCount>();
        services.TryAddSingleton(provider => new DescriptorWatch(DescriptorWatch.CanOpenSome, provider.GetRequiredService<TimeProvider>()));

        // The transport that was registered last is asked first.
        services.AddSingleton<IConnectionListenerFactory, CappedTransport>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>>(provider => new ConfigureOptions<KestrelServerOptions>(kestrel =>
        {
            var cap = provider.GetRequiredService<ConnectionCap>();
            kestrel.Limits.MaxConcurrentConnections = cap.Connections;
            kestrel.Limits.MaxConcurrentUpgradedConnections = cap.Connections;
        }));
        services.AddHostedService<Announcement>();
    }

    private sealed class Announcement(ConnectionCap cap, ILogger<ConnectionCap> logger) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            logger.ConnectionsCapped(cap.Connections, cap.Descriptors, cap.Kept);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

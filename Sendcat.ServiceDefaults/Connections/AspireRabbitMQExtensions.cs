using Aspire.RabbitMQ.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;
using Sendcat.ServiceDefaults.Broker;

namespace Microsoft.Extensions.Hosting;

/// <summary>Stands in for the type of the same name in the package Aspire.RabbitMQ.Client where that cannot be restored.</summary>
public static class AspireRabbitMQExtensions
{
    private const string Section = "Aspire:RabbitMQ:Client";

    /// <summary>
    /// Registers <see cref="IConnectionFactory"/> and a health check. Unlike the package it registers no <c>IConnection</c>: ours is <see cref="BrokerConnection"/>, in both flavours.
    /// </summary>
    public static void AddRabbitMQClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<RabbitMQClientSettings>? configureSettings = null,
        Action<ConnectionFactory>? configureConnectionFactory = null)
    {
        var settings = builder.BindSettings<RabbitMQClientSettings>(Section, connectionName);
        settings.ConnectionString = builder.Configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
        configureSettings?.Invoke(settings);

        builder.Services.AddSingleton<IConnectionFactory>(_ =>
        {
            var factory = new ConnectionFactory();
            if (settings.ConnectionString is { Length: > 0 } uri)
            {
                factory.Uri = new Uri(uri);
            }

            configureConnectionFactory?.Invoke(factory);
            return factory;
        });

        if (!settings.DisableHealthChecks)
        {
            builder.Services.AddHealthChecks().AddCheck<BrokerHealthCheck>("RabbitMQ.Client");
        }
    }
}

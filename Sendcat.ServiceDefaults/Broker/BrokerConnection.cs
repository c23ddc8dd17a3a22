using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;

namespace Sendcat.ServiceDefaults.Broker;

/// <summary>
/// The one connection of this process to RabbitMQ, made when it is first needed, so that a broker that is away keeps nobody from starting. Once made it recovers by itself (with its channels
/// and consumers). Take this instead of <see cref="IConnection"/>, whose registration in Aspire connects, blocking, while it is being resolved.
/// </summary>
public sealed class BrokerConnection(IConnectionFactory factory, IHostEnvironment environment) : IAsyncDisposable
{
    private readonly SemaphoreSlim opening = new(1, 1);
    private IConnection? connection;

    public bool IsOpen => connection is { IsOpen: true };

    /// <summary>The connection; it may just be recovering, then its channels refuse with <see cref="RabbitMQ.Client.Exceptions.AlreadyClosedException"/>.</summary>
    /// <exception cref="RabbitMQ.Client.Exceptions.BrokerUnreachableException">Not yet connected and the broker is away; the next call tries anew.</exception>
    public async Task<IConnection> OpenAsync(CancellationToken cancellationToken)
    {
        if (connection is { } ready)
        {
            return ready;
        }

        await opening.WaitAsync(cancellationToken);
        try
        {
            // The connection's own loops live on: they must not stay in the trace of whoever happened to open it.
            Activity.Current = null;
            return connection ??= await factory.CreateConnectionAsync(environment.ApplicationName, cancellationToken);
        }
        finally
        {
            opening.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is { } open)
        {
            await open.DisposeAsync();
        }

        opening.Dispose();
    }
}

internal static class BrokerConnectionRegistration
{
    /// <summary>By a factory, so that a program without a broker passes the container's validation.</summary>
    public static void AddBrokerConnection(this IServiceCollection services) =>
        services.TryAddSingleton(provider => ActivatorUtilities.CreateInstance<BrokerConnection>(provider));
}

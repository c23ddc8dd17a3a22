using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;

namespace Sendcat.ServiceDefaults.Broker;

/// <summary>
/// The single connection of this process to RabbitMQ. It is opened at its first use, so the process also starts while the broker is
/// unavailable. Once open it recovers by itself, together with its channels and consumers. Use this class instead of <see
/// cref="IConnection"/>: the Aspire registration of that type connects, blocking, while it is resolved.
/// </summary>
public sealed class BrokerConnection(IConnectionFactory factory, IHostEnvironment environment) : IAsyncDisposable
{
    private readonly SemaphoreSlim _opening = new(1, 1);
    private IConnection? _connection;

    public bool IsOpen => _connection is { IsOpen: true };

    /// <summary>
    /// Returns the connection; opens it if necessary. While the connection recovers, its channels throw <see
    /// cref="RabbitMQ.Client.Exceptions.AlreadyClosedException"/>.
    /// </summary>
    /// <exception cref="RabbitMQ.Client.Exceptions.BrokerUnreachableException">
    /// The connection was never open and the broker is unavailable. The next call tries again.
    /// </exception>
    public async Task<IConnection> OpenAsync(CancellationToken cancellationToken)
    {
        if (_connection is { } ready)
        {
            return ready;
        }

        await _opening.WaitAsync(cancellationToken);
        try
        {
            // The loops of the connection run for the life of the process and must not be in the trace of the first caller.
            Activity.Current = null;
            return _connection ??= await factory.CreateConnectionAsync(environment.ApplicationName, cancellationToken);
        }
        finally
        {
            _opening.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is { } open)
        {
            await open.DisposeAsync();
        }

        _opening.Dispose();
    }
}

internal static class BrokerConnectionRegistration
{
    /// <summary>Uses a factory, so that a program without a broker passes the validation of the container.</summary>
    public static void AddBrokerConnection(this IServiceCollection services) =>
        services.TryAddSingleton(provider => ActivatorUtilities.CreateInstance<BrokerConnection>(provider));
}

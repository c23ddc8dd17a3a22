using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace Sendcat.ServiceDefaults.Broker;

/// <summary>
/// The single connection of this process to RabbitMQ. It is opened at its first use, so the process also starts while the broker is
/// unavailable. Once open it recovers by itself, together with its channels and consumers. Use this class instead of <see
/// cref="IConnection"/>: the Aspire registration of that type connects, blocking, while it is resolved.
/// </summary>
/// <remarks>
/// A broker without memory or disk space blocks the connections that publish: it accepts nothing more from them and reports so once.
/// </remarks>
public sealed class BrokerConnection(
    IConnectionFactory factory, IHostEnvironment environment, ILogger<BrokerConnection> logger) : IAsyncDisposable
{
    /// <summary>
    /// Both sides close a connection that was silent for two of these intervals. The default of the client, 60 s, lets a suspended worker
    /// keep its unacknowledged messages for minutes.
    /// </summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _opening = new(1, 1);
    private IConnection? _connection;

    public bool IsOpen => _connection is { IsOpen: true };

    /// <summary>True: the broker accepts no messages because it lacks memory or disk space.</summary>
    public bool IsBlocked { get; private set; }

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
            factory.RequestedHeartbeat = Heartbeat;
            return _connection ??= Watched(await factory.CreateConnectionAsync(environment.ApplicationName, cancellationToken));
        }
        finally
        {
            _opening.Release();
        }
    }

    private IConnection Watched(IConnection connection)
    {
        connection.ConnectionBlockedAsync += (_, blocked) =>
        {
            IsBlocked = true;
            logger.BrokerBlocked(blocked.Reason);
            return Task.CompletedTask;
        };
        connection.ConnectionUnblockedAsync += (_, _) => UnblockAsync();

        // A new connection is not blocked until the broker reports so again.
        connection.ConnectionShutdownAsync += (_, _) => UnblockAsync();
        return connection;
    }

    private Task UnblockAsync()
    {
        if (IsBlocked)
        {
            IsBlocked = false;
            logger.BrokerUnblocked();
        }

        return Task.CompletedTask;
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

using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>
/// A listener that accepts connections up to the cap, closes further connections at once, and stops accepting while the process has no free
/// file descriptors.
/// </summary>
internal sealed class CappedListener(
    IConnectionListener inner, ConnectionCount connections, DescriptorWatch descriptors,
    ILogger<CappedListener> logger) : IConnectionListener
{
    private static readonly ConnectionAbortedException TooMany = new("The process has as many connections as it may.");

    public EndPoint EndPoint => inner.EndPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (await AcceptNextAsync(cancellationToken) is not { } connection)
            {
                return null;
            }

            if (connections.TryAdd())
            {
                return new Counted(connection, connections);
            }

            connection.Abort(TooMany);
            await connection.DisposeAsync();
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async ValueTask<ConnectionContext?> AcceptNextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await descriptors.WaitUntilAvailableAsync().WaitAsync(cancellationToken);
            var accepting = descriptors.Accepting;
            try
            {
                if (!cancellationToken.CanBeCanceled)
                {
                    return await inner.AcceptAsync(accepting);
                }

                using var linked = CancellationTokenSource.CreateLinkedTokenSource(accepting, cancellationToken);
                return await inner.AcceptAsync(linked.Token);
            }
            catch (OperationCanceledException) when (accepting.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                logger.DescriptorsUsedUp(connections.Open);
            }
        }
    }

    /// <summary>
    /// A connection that counts against the cap until it is disposed. It holds its descriptor until then, also after the client has closed
    /// its half.
    /// </summary>
    private sealed class Counted(ConnectionContext inner, ConnectionCount connections) : ConnectionContext
    {
        private int _disposed;

        public override string ConnectionId
        {
            get => inner.ConnectionId;
            set => inner.ConnectionId = value;
        }

        public override IFeatureCollection Features => inner.Features;

        public override IDictionary<object, object?> Items
        {
            get => inner.Items;
            set => inner.Items = value;
        }

        public override IDuplexPipe Transport
        {
            get => inner.Transport;
            set => inner.Transport = value;
        }

        public override CancellationToken ConnectionClosed
        {
            get => inner.ConnectionClosed;
            set => inner.ConnectionClosed = value;
        }

        public override EndPoint? LocalEndPoint
        {
            get => inner.LocalEndPoint;
            set => inner.LocalEndPoint = value;
        }

        public override EndPoint? RemoteEndPoint
        {
            get => inner.RemoteEndPoint;
            set => inner.RemoteEndPoint = value;
        }

        public override void Abort() => inner.Abort();

        public override void Abort(ConnectionAbortedException abortReason) => inner.Abort(abortReason);

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                connections.Remove();
            }
        }
    }
}

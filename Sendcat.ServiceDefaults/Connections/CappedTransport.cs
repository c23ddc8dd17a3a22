using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>
/// Kestrel's socket transport with one cap over all ports. Kestrel's own cap applies to each port, and counts a connection only after the
/// transport has passed it on. Here a connection over the cap is closed before the next one is accepted, so a flood cannot open connections
/// faster than they are closed.
/// </summary>
internal sealed class CappedTransport(
    IOptions<SocketTransportOptions> options, ConnectionCount connections, DescriptorWatch descriptors, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory _sockets = new(options, loggers);

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint or FileHandleEndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new CappedListener(
            await _sockets.BindAsync(endpoint, cancellationToken), connections, descriptors, loggers.CreateLogger<CappedListener>());
}

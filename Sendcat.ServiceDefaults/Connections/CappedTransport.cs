using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>
/// Kestrel's own transport with one cap over all its ports. Kestrel's cap is one for each port, and counts only once a connection has been handed on; here a client beyond the cap is closed before the next one
/// is accepted, so that no flood is faster than its refusal.
/// </summary>
internal sealed class CappedTransport(IOptions<SocketTransportOptions> options, ConnectionCount connections, DescriptorWatch descriptors, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory sockets = new(options, loggers);

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint or FileHandleEndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new CappedListener(await sockets.BindAsync(endpoint, cancellationToken), connections, descriptors, loggers.CreateLogger<CappedListener>());
}

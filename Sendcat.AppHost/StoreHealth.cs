using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sendcat.AppHost;

/// <summary>
/// A probe in the protocol of a store: the bytes to send, and the prefixes of a response that means that the store is ready.
/// </summary>
internal sealed record StoreProbe(byte[] Request, params byte[][] ReadyResponses)
{
    /// <summary>PING. A server with a password responds with LOADING while it loads its data, and with NOAUTH afterwards.</summary>
    public static readonly StoreProbe Redis = new([.. "PING\r\n"u8], [.. "+PONG"u8], [.. "-NOAUTH"u8]);

    /// <summary>
    /// A startup message (length 22, protocol 3.0, user "sendcat"). R requests the password; E means that the server is still starting.
    /// </summary>
    public static readonly StoreProbe Postgres = new([0, 0, 0, 22, 0, 3, 0, 0, .. "user\0sendcat\0\0"u8], [(byte)'R']);

    /// <summary>The AMQP 0-9-1 header. The response is a method frame on channel 0 (connection.start).</summary>
    public static readonly StoreProbe RabbitMq = new([.. "AMQP"u8, 0, 0, 9, 1], [1, 0, 0]);
}

/// <summary>Checks that a local store is ready, without a client library. A listening port alone does not prove it. Timeout: 3 s.</summary>
internal sealed class StoreHealth(int port, StoreProbe probe) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), timeout.Token);
            await socket.SendAsync(probe.Request, timeout.Token);
            var response = new byte[64];
            var length = await socket.ReceiveAsync(response, timeout.Token);
            return probe.ReadyResponses.Any(expected => response.AsSpan(0, length).StartsWith(expected))
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("The store is starting.");
        }
        catch (SocketException)
        {
            return HealthCheckResult.Unhealthy("The store does not accept connections yet.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy("The store did not respond within 3 s.");
        }
    }
}

using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sendcat.AppHost;

/// <summary>The first words of a store's protocol: what we say, and how an answer begins that means "I serve".</summary>
internal sealed record StoreProbe(byte[] Question, params byte[][] Answers)
{
    /// <summary>PING; a server with a password says NOAUTH once it has loaded its data, LOADING before.</summary>
    public static readonly StoreProbe Redis = new([.. "PING\r\n"u8], [.. "+PONG"u8], [.. "-NOAUTH"u8]);

    /// <summary>A startup message (length 22, protocol 3.0, user "sendcat"); R asks for the password, E says that it is still starting.</summary>
    public static readonly StoreProbe Postgres = new([0, 0, 0, 22, 0, 3, 0, 0, .. "user\0sendcat\0\0"u8], [(byte)'R']);

    /// <summary>The AMQP 0-9-1 header; the answer is a method frame on channel 0 (connection.start).</summary>
    public static readonly StoreProbe RabbitMq = new([.. "AMQP"u8, 0, 0, 9, 1], [1, 0, 0]);
}

/// <summary>Whether a local store serves, without its client: a listening port alone does not say so.</summary>
internal sealed class StoreHealth(int port, StoreProbe probe) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), patience.Token);
            await socket.SendAsync(probe.Question, patience.Token);
            var answer = new byte[64];
            var length = await socket.ReceiveAsync(answer, patience.Token);
            return probe.Answers.Any(expected => answer.AsSpan(0, length).StartsWith(expected))
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("is starting");
        }
        catch (SocketException)
        {
            return HealthCheckResult.Unhealthy("does not answer yet");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy("does not answer in time");
        }
    }
}

using Microsoft.Extensions.Diagnostics.HealthChecks;
using RabbitMQ.Client;

namespace Sendcat.ServiceDefaults.Broker;

/// <summary>
/// Whether the broker takes messages. It blocks a connection only when that connection publishes, so the check publishes a message that no
/// queue takes.
/// </summary>
internal sealed class BrokerHealthCheck(BrokerConnection broker) : IHealthCheck
{
    private const string Nowhere = "sendcat.health";

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var connection = await broker.OpenAsync(cancellationToken);
        if (!connection.IsOpen || broker.IsBlocked)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, broker.IsBlocked ? "Blocked." : "Recovering.");
        }

        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        await channel.BasicPublishAsync("", Nowhere, mandatory: false, ReadOnlyMemory<byte>.Empty, cancellationToken);
        return HealthCheckResult.Healthy();
    }
}

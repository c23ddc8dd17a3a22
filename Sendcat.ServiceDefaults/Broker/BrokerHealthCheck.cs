using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sendcat.ServiceDefaults.Broker;

internal sealed class BrokerHealthCheck(BrokerConnection broker) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var connection = await broker.OpenAsync(cancellationToken);
        return connection.IsOpen ? HealthCheckResult.Healthy() : new HealthCheckResult(context.Registration.FailureStatus, "Recovering.");
    }
}

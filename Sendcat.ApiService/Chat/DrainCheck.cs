using Microsoft.Extensions.Diagnostics.HealthChecks;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Chat;

/// <summary>A replica that an operator has drained is not ready, so that a load balancer sends new requests to the others.</summary>
internal sealed class DrainCheck(Drain drain) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(drain.IsOn ? HealthCheckResult.Unhealthy("drained by an operator") : HealthCheckResult.Healthy());
}

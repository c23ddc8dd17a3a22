using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sendcat.ServiceDefaults.Health;

/// <summary>
/// A health check with a timeout. It responds in time even when the inner check ignores cancellation, blocks, or cannot be disposed
/// (disposing a database context takes most of a minute while its server is frozen). The inner check starts again only after its previous
/// run has ended, so that probes do not accumulate at a blocked store.
/// </summary>
/// <remarks>
/// One timeout does not prove that the store is unavailable: on a busy machine a store may be slow once, and the load balancer must not
/// remove a replica for that. So the first timeout after a healthy result is
/// <see cref="HealthStatus.Degraded"/>. A second timeout, or one of a store that was never healthy, has the failure status of the
/// registration.
/// </remarks>
internal sealed class BoundedHealthCheck(
    Func<IServiceProvider, IHealthCheck> createCheck, IServiceScopeFactory scopes, TimeProvider clock) : IHealthCheck
{
    private readonly Lock _gate = new();
    private Task<HealthCheckResult?>? _running;
    private bool _lastWasHealthy;
    private TimeSpan _timeout = ReadinessPolicy.FirstCheckTimeout;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task<HealthCheckResult?> run;
            bool joined;
            TimeSpan timeout;
            lock (_gate)
            {
                timeout = _timeout;
                joined = _running is { IsCompleted: false };
                run = joined ? _running! : _running = RunAsync(context, timeout);
            }

            try
            {
                if (await run.WaitAsync(timeout, clock, cancellationToken) is { } result)
                {
                    return result;
                }
            }
            catch (TimeoutException)
            {
                return TimedOut(context, timeout);
            }

            // The run that this caller joined has timed out for an earlier caller. That is no timeout for this caller, so it starts a new
            // run.
            if (!joined)
            {
                return TimedOut(context, timeout);
            }
        }
    }

    private HealthCheckResult TimedOut(HealthCheckContext context, TimeSpan timeout)
    {
        lock (_gate)
        {
            var status = _lastWasHealthy ? HealthStatus.Degraded : context.Registration.FailureStatus;
            _lastWasHealthy = false;
            return new HealthCheckResult(status, $"No response within {timeout.TotalMilliseconds:0} ms.");
        }
    }

    /// <returns>The result; null: the inner check did not respond before the timeout.</returns>
    private async Task<HealthCheckResult?> RunAsync(HealthCheckContext context, TimeSpan limit)
    {
        await Task.Yield();
        using var timeout = new CancellationTokenSource(limit, clock);
        var result = await CheckAsync(context, timeout.Token);
        if (result.Status != HealthStatus.Healthy && timeout.IsCancellationRequested)
        {
            return null;
        }

        lock (_gate)
        {
            _lastWasHealthy = result.Status == HealthStatus.Healthy;
            _timeout = _lastWasHealthy ? ReadinessPolicy.CheckTimeout : _timeout;
        }

        return result;
    }

    private async Task<HealthCheckResult> CheckAsync(HealthCheckContext context, CancellationToken timeout)
    {
        await using var scope = scopes.CreateAsyncScope();
        try
        {
            return await createCheck(scope.ServiceProvider).CheckHealthAsync(context, timeout);
        }
#pragma warning disable CA1031 // An exception is a failed check, as in the framework. This also holds when no caller waits any more.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return new HealthCheckResult(context.Registration.FailureStatus, failure.Message, failure);
        }
    }
}

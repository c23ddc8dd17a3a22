using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sendcat.ServiceDefaults.Health;

/// <summary>
/// A check that answers in time also when the one inside ignores its cancellation, blocks, or cannot be disposed (a database context whose server is frozen takes most of a minute). It is
/// asked again only when it has come back, so that a store that is stuck does not collect probes.
/// </summary>
internal sealed class BoundedHealthCheck(Func<IServiceProvider, IHealthCheck> ask, IServiceScopeFactory scopes, TimeProvider clock) : IHealthCheck
{
    private readonly Lock gate = new();
    private Task<HealthCheckResult>? asked;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        Task<HealthCheckResult> answer;
        lock (gate)
        {
            answer = asked is { IsCompleted: false } ? asked : asked = AskAsync(context);
        }

        try
        {
            return await answer.WaitAsync(ReadinessPolicy.Patience, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, $"No answer within {ReadinessPolicy.Patience.TotalSeconds:0} s.");
        }
    }

    private async Task<HealthCheckResult> AskAsync(HealthCheckContext context)
    {
        await Task.Yield();
        using var patience = new CancellationTokenSource(ReadinessPolicy.Patience, clock);
        await using var scope = scopes.CreateAsyncScope();
        try
        {
            return await ask(scope.ServiceProvider).CheckHealthAsync(context, patience.Token);
        }
#pragma warning disable CA1031 // As the framework does around a check: an exception is a bad answer, also when nobody waits for it any more.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return new HealthCheckResult(context.Registration.FailureStatus, failure.Message, failure);
        }
    }
}

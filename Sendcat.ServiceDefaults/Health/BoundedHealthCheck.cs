using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sendcat.ServiceDefaults.Health;

/// <summary>
/// A check that answers in time also when the one inside ignores its cancellation, blocks, or cannot be disposed (a database context whose server is frozen takes most of a minute). It is
/// asked again only when it has come back, so that a store that is stuck does not collect probes.
/// </summary>
/// <remarks>
/// Not to answer in time is not yet to be away: on a busy machine a store may be slow once, and a replica must not leave its load balancer for that. So one silence after a good answer is
/// <see cref="HealthStatus.Degraded"/>; a second one, or one of a store that never answered, is what the check is registered with.
/// </remarks>
internal sealed class BoundedHealthCheck(Func<IServiceProvider, IHealthCheck> ask, IServiceScopeFactory scopes, TimeProvider clock) : IHealthCheck
{
    private readonly Lock gate = new();
    private Task<HealthCheckResult?>? asked;
    private bool lastHeardGood;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task<HealthCheckResult?> answer;
            bool joined;
            lock (gate)
            {
                joined = asked is { IsCompleted: false };
                answer = joined ? asked! : asked = AskAsync(context);
            }

            try
            {
                if (await answer.WaitAsync(ReadinessPolicy.Patience, clock, cancellationToken) is { } heard)
                {
                    return heard;
                }
            }
            catch (TimeoutException)
            {
                return Silence(context);
            }

            // What an earlier asker has given up, just as this one came along, was no silence towards this one.
            if (!joined)
            {
                return Silence(context);
            }
        }
    }

    private HealthCheckResult Silence(HealthCheckContext context)
    {
        lock (gate)
        {
            var status = lastHeardGood ? HealthStatus.Degraded : context.Registration.FailureStatus;
            lastHeardGood = false;
            return new HealthCheckResult(status, $"No answer within {ReadinessPolicy.Patience.TotalSeconds:0} s.");
        }
    }

    /// <returns>Null: it was given up before it had answered.</returns>
    private async Task<HealthCheckResult?> AskAsync(HealthCheckContext context)
    {
        await Task.Yield();
        using var patience = new CancellationTokenSource(ReadinessPolicy.Patience, clock);
        var heard = await HearAsync(context, patience.Token);
        if (heard.Status != HealthStatus.Healthy && patience.IsCancellationRequested)
        {
            return null;
        }

        lock (gate)
        {
            lastHeardGood = heard.Status == HealthStatus.Healthy;
        }

        return heard;
    }

    private async Task<HealthCheckResult> HearAsync(HealthCheckContext context, CancellationToken patience)
    {
        await using var scope = scopes.CreateAsyncScope();
        try
        {
            return await ask(scope.ServiceProvider).CheckHealthAsync(context, patience);
        }
#pragma warning disable CA1031 // As the framework does around a check: an exception is a bad answer, also when nobody waits for it any more.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return new HealthCheckResult(context.Registration.FailureStatus, failure.Message, failure);
        }
    }
}

using Sendcat.Reliability.Circuits;

namespace Sendcat.ApiService.Providers;

/// <summary>Checks whether any provider accepts our account, before a turn acquires slots or budget.</summary>
internal sealed class RouteAvailability(RoutePlan plan, Circuits circuits)
{
    /// <summary>Minimum time until the caller should try again, for example while a probe is in flight.</summary>
    private static readonly TimeSpan MinRetryAfter = TimeSpan.FromSeconds(1);

    /// <param name="model">The requested model; null: the default model.</param>
    /// <returns>Time after which the caller should retry, if every route for the model is suspended; null: the turn may start.</returns>
    public TimeSpan? SuspendedFor(string? model)
    {
        if (circuits.SuspensionOf(ProviderRoute.GuardOf(ProviderRoute.Primary)) is null)
        {
            return null;
        }

        var routes = plan.For(model);
        if (WaitOf(routes[0]) is not { } wait)
        {
            return null;
        }

        foreach (var other in routes.Skip(1).Where(other => !other.SharesAccountWith(routes[0])))
        {
            if (WaitOf(other) is not { } otherWait)
            {
                return null;
            }

            wait = otherWait < wait ? otherWait : wait;
        }

        return wait;
    }

    /// <summary>
    /// Whether a turn whose primary route is full may start on the secondary one: failover is on, and the circuit of that route is closed.
    /// </summary>
    public bool SpillsOver(string? model)
    {
        if (plan.For(model) is not [_, var secondary])
        {
            return false;
        }

        using var permit = circuits.EnterWithoutProbe(secondary.Guard).Permit;
        return permit is not null;
    }

    /// <summary>
    /// Time until the route may be used again. Null if the route is not suspended, or if a probe is due and the model is a configured one,
    /// which may probe.
    /// </summary>
    private TimeSpan? WaitOf(ProviderRoute route) =>
        circuits.SuspensionOf(route.Guard) is not { } suspended || (suspended.RetryAfter == TimeSpan.Zero && route.IsConfigured) ? null
        : suspended.RetryAfter > MinRetryAfter ? suspended.RetryAfter : MinRetryAfter;
}

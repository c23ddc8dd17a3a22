using Sendcat.Reliability.Circuits;

namespace Sendcat.ApiService.Providers;

/// <summary>Checks whether any provider accepts our account, before a turn acquires slots or budget.</summary>
internal sealed class RouteAvailability(RoutePlan plan, Circuits circuits)
{
    /// <summary>Minimum time until the caller should try again, for example while a probe is in flight.</summary>
    private static readonly TimeSpan MinRetryAfter = TimeSpan.FromSeconds(1);

    /// <param name="model">The requested model; null: the default model.</param>
    /// <returns>The suspension of the first route, if every route for the model is suspended; null: the turn may start.</returns>
    public RouteSuspension? SuspendedFor(string? model)
    {
        if (circuits.SuspensionOf(ProviderRoute.GuardOf(ProviderRoute.Primary)) is null)
        {
            return null;
        }

        var routes = plan.For(model);
        if (SuspensionOf(routes[0]) is not { } first)
        {
            return null;
        }

        // A rejected account is rejected on each of its routes; an operator isolates one route.
        var wait = first.Wait;
        foreach (var other in routes.Skip(1).Where(other => first.ByOperator || !other.SharesAccountWith(routes[0])))
        {
            if (SuspensionOf(other) is not { } second)
            {
                return null;
            }

            wait = second.Wait < wait ? second.Wait : wait;
        }

        return first with { Wait = wait };
    }

    /// <summary>
    /// Whether a turn whose primary route is full may start on the secondary one: failover is on, and the circuit of that route is closed.
    /// </summary>
    /// <param name="pricedOnly">See <see cref="ProviderRequest.PricedOnly"/>.</param>
    public bool SpillsOver(string? model, bool pricedOnly)
    {
        if (plan.For(model, pricedOnly: pricedOnly) is not [_, var secondary])
        {
            return false;
        }

        using var permit = circuits.EnterWithoutProbe(secondary.Guard).Permit;
        return permit is not null;
    }

    /// <summary>
    /// Null if the route is not suspended, if its isolation is over, or if a probe is due and the model is a configured one, which may
    /// probe.
    /// </summary>
    private RouteSuspension? SuspensionOf(ProviderRoute route)
    {
        if (circuits.SuspensionOf(route.Guard) is not { } suspended)
        {
            return null;
        }

        var byOperator = suspended.Reason is Suspension.Operator;
        return suspended.RetryAfter == TimeSpan.Zero && (byOperator || route.IsConfigured)
            ? null
            : new(suspended.RetryAfter > MinRetryAfter ? suspended.RetryAfter : MinRetryAfter, byOperator);
    }
}

/// <summary>No route to a model may be used.</summary>
/// <param name="Wait">Time after which the caller should retry.</param>
/// <param name="ByOperator">True: an operator isolated the first route. False: its provider rejects our account.</param>
internal readonly record struct RouteSuspension(TimeSpan Wait, bool ByOperator);

using Sendcat.Reliability.Circuits;

namespace Sendcat.ApiService.Providers;

/// <summary>Whether a turn would find a provider that serves our account, before anything is taken for it.</summary>
internal sealed class RouteOutlook(RoutePlan plan, Circuits circuits)
{
    /// <summary>While somebody probes.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    /// <returns>When to come back, if every route for the model is suspended; null: go on.</returns>
    public TimeSpan? SuspendedFor(string? model)
    {
        if (circuits.SuspensionOf(ProviderRoute.GuardOf(ProviderRoute.Primary)) is null)
        {
            return null;
        }

        var routes = plan.For(model);
        if (Waits(routes[0]) is not { } wait)
        {
            return null;
        }

        foreach (var other in routes.Skip(1).Where(other => !other.SharesAccountWith(routes[0])))
        {
            if (Waits(other) is not { } otherWait)
            {
                return null;
            }

            wait = otherWait < wait ? otherWait : wait;
        }

        return wait;
    }

    /// <summary>A probe is due, and the model is one that may probe: then the turn may go on.</summary>
    private TimeSpan? Waits(ProviderRoute route) =>
        circuits.SuspensionOf(route.Guard) is not { } suspended || (suspended.RetryAfter == TimeSpan.Zero && route.IsConfigured) ? null
        : suspended.RetryAfter > LookAgain ? suspended.RetryAfter : LookAgain;
}

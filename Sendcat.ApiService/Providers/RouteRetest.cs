using Microsoft.Extensions.Options;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ApiService.Providers;

/// <summary>
/// Tests a route whose circuit stays half-open because no turn calls it. Turns call the second route only when the first one fails. Without
/// a test, its circuit and the alert about it would stay after every incident, and the next failover would go to a route of which nobody
/// knows whether it works. The circuit permits one such call over all replicas.
/// </summary>
internal sealed class RouteRetest(
    Circuits circuits, RouteProbe probe, IRouteGuards guards, IOptionsMonitor<ProviderRouteOptions> options, TimeProvider time,
    ILogger<RouteRetest> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>A test may end without a verdict, and then the circuit stays half-open.</summary>
    private static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, DateTimeOffset> _testedAt = new(StringComparer.Ordinal);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("Tests of idle routes", logger, time).EveryAsync(Period, RoundAsync, stoppingToken);

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        var knobs = options.CurrentValue;
        if (knobs.RetestMs == 0)
        {
            return;
        }

        foreach (var id in ProviderRoute.Ids)
        {
            var circuit = circuits.States().FirstOrDefault(circuit => circuit.Provider == ProviderRoute.GuardOf(id));
            var now = time.GetUtcNow();
            if (circuit is { State: "half_open", CooldownUntil: { } until } && now - until >= TimeSpan.FromMilliseconds(knobs.RetestMs)
                && !(_testedAt.TryGetValue(id, out var last) && now - last < MinInterval))
            {
                _testedAt[id] = now;
                using var round = BackgroundRound.Start("test idle route");
                var result = await probe.RunAsync(id, knobs.DefaultModelClass, guards, cancellationToken);
                logger.IdleRouteTested(id, result.Code ?? "works", (long)result.Duration.TotalMilliseconds);
            }
        }
    }
}

using Microsoft.Extensions.Options;
using Sendcat.Reliability.Timing;

namespace Sendcat.Monitor.Watch;

/// <summary>Probes every API address at a fixed interval and adds the results to the history.</summary>
internal sealed class ApiWatcher(
    ApiAddresses addresses, ApiProbe probe, ObservationHistory history, IOptionsMonitor<WatchOptions> options, TimeProvider clock,
    ILogger<ApiWatcher> logger) : BackgroundService
{
    public async Task ProbeOnceAsync(CancellationToken cancellationToken)
    {
        var timeout = TimeSpan.FromMilliseconds(options.CurrentValue.TimeoutMs);
        var round = await Task.WhenAll(
            (await addresses.FindAsync(cancellationToken)).Select(a => probe.ProbeAsync(a, timeout, cancellationToken)));
        foreach (var changed in history.Add(round))
        {
            logger.ApiStateChanged(changed.Address, changed.State, changed.Problem ?? "all well");
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(options.CurrentValue.IntervalMs), clock);
        await new BackgroundLoop("Probing of the API", logger, clock).RepeatAsync(
            async cancellationToken =>
            {
                await TryProbeAsync(cancellationToken);
                await ticks.WaitForNextTickAsync(cancellationToken);
            },
            stoppingToken);
    }

    private async Task TryProbeAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ProbeOnceAsync(cancellationToken);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            // Service discovery may be unavailable for a while.
            logger.ProbeFailed(failure);
        }
    }
}

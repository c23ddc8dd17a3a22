using Microsoft.Extensions.Options;

namespace Sendcat.Monitor.Watch;

/// <summary>Probes every API address at a fixed interval and adds the results to the history.</summary>
internal sealed class ApiWatcher(
    ApiAddresses addresses, ApiProbe probe, ObservationHistory history, IOptionsMonitor<WatchOptions> options, TimeProvider clock, ILogger<ApiWatcher> logger) : BackgroundService
{
    public async Task ProbeOnceAsync(CancellationToken cancellationToken)
    {
        var timeout = TimeSpan.FromMilliseconds(options.CurrentValue.TimeoutMs);
        var round = await Task.WhenAll((await addresses.FindAsync(cancellationToken)).Select(a => probe.ProbeAsync(a, timeout, cancellationToken)));
        foreach (var changed in history.Add(round))
        {
            logger.ApiStateChanged(changed.Address, changed.State, changed.Problem ?? "all well");
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(options.CurrentValue.IntervalMs), clock);
        do
        {
            try
            {
                await ProbeOnceAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                logger.ProbeFailed(e); // service discovery may be unavailable for a while; the next round retries
            }
        }
        while (await ticks.WaitForNextTickAsync(stoppingToken));
    }
}

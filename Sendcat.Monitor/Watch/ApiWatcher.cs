using Microsoft.Extensions.Options;

namespace Sendcat.Monitor.Watch;

/// <summary>Looks at every API address, again and again, and remembers what it saw.</summary>
internal sealed class ApiWatcher(ApiAddresses addresses, ApiProbe probe, ObservationHistory history, IOptionsMonitor<WatchOptions> options, TimeProvider clock, ILogger<ApiWatcher> logger) : BackgroundService
{
    public async Task LookOnceAsync(CancellationToken cancellationToken)
    {
        var patience = TimeSpan.FromMilliseconds(options.CurrentValue.TimeoutMs);
        var round = await Task.WhenAll((await addresses.FindAsync(cancellationToken)).Select(a => probe.LookAsync(a, patience, cancellationToken)));
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
                await LookOnceAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                logger.LookFailed(e); // service discovery may be away for a while; the next look asks again
            }
        }
        while (await ticks.WaitForNextTickAsync(stoppingToken));
    }
}

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.Alerts;

/// <summary>
/// Checks the tool queue every five minutes. Every replica tries every 30 s; the row in <c>scheduled_runs</c> in Postgres lets one replica
/// run each check.
/// </summary>
internal sealed class QueueWatch(
    QueueAlerts alerts, TimeProvider time, StoreOutages outages, ILogger<QueueWatch> logger) : BackgroundService
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(30);

    private readonly WorkOutage _outage = new("Check of the tool queue", outages.Postgres, logger, time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(PollInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await TryAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    private async Task TryAsync(CancellationToken cancellationToken)
    {
        try
        {
            var began = time.GetUtcNow();
            var check = await alerts.CheckIfDueAsync(cancellationToken);
            _outage.Ends();
            if (check is not null && check.Created + check.Cleared > 0)
            {
                BackgroundRound.Record("check tool queue", began, ("sendcat.alerts.raised", check.Created), ("sendcat.alerts.cleared", check.Cleared));
            }
        }
        catch (Exception exception) when (PostgresFailure.Is(exception))
        {
            if (_outage.Begins(exception))
            {
                logger.QueueNotChecked(exception.Message);
            }
        }
    }
}

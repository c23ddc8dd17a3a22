using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
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

    private const string Work = "Check of the tool queue";

    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, logger, time).EveryAsync(PollInterval, TryAsync, stoppingToken);

    private async Task TryAsync(CancellationToken cancellationToken)
    {
        try
        {
            var began = time.GetUtcNow();
            var check = await alerts.CheckIfDueAsync(cancellationToken);
            _outage.Ends();
            if (check is not null && check.Created + check.Cleared > 0)
            {
                BackgroundRound.Record(
                    "check tool queue", began, ("sendcat.alerts.raised", check.Created), ("sendcat.alerts.cleared", check.Cleared));
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

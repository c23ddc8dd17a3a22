using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Reliability.ToolJobs.Messages;

/// <summary>
/// Publishes due outbox rows to the broker in batches, at least once. The transaction that deletes the rows commits only after the broker
/// has confirmed their messages, so a message may be published twice, but it is never lost. The publisher wakes when this process enqueues
/// a job. Otherwise it sleeps until the next retry is due, at most one second, and then also publishes rows that other processes left. Each
/// lane has its own publisher, so neither a flood nor a broken queue of one lane delays another.
/// </summary>
public sealed class OutboxPublisher(
    LaneCatalog lanes, NpgsqlDataSource database, ToolJobBroker broker, TimeProvider time, ToolJobMetrics metrics, StoreOutages outages,
    ILogger<OutboxPublisher> logger)
    : BackgroundService
{
    private readonly Dictionary<ToolLane, LanePublisher> _lanes =
        lanes.All.ToDictionary(lane => lane, lane => new LanePublisher(lane, database, broker, time, metrics, outages, logger));

    /// <summary>Signals that the lane has a message to publish.</summary>
    public void Signal(ToolLane lane) => _lanes[lane].Signal();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(_lanes.Values.Select(lane => lane.RunAsync(stoppingToken)));
}

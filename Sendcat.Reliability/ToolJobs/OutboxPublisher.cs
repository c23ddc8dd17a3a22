using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// Moves due outbox rows to the broker in batches: the rows go in the transaction that awaits the confirms, so a message may go out twice but never not at all. Rung when
/// this process enters a job; otherwise it sleeps until the next retry is due, and looks once a second for what others left. Each lane is published for itself, so that
/// neither a flood nor a broken queue of one holds up another.
/// </summary>
public sealed class OutboxPublisher(NpgsqlDataSource database, ToolJobBroker broker, TimeProvider time, ToolJobMetrics metrics, ILogger<OutboxPublisher> logger) : BackgroundService
{
    private readonly Dictionary<ToolLane, LanePublisher> _lanes =
        ToolLane.All.ToDictionary(lane => lane, lane => new LanePublisher(lane, database, broker, time, metrics, logger));

    /// <summary>There is something to publish.</summary>
    public void Signal(ToolLane lane) => _lanes[lane].Signal();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(_lanes.Values.Select(lane => lane.RunAsync(stoppingToken)));
}

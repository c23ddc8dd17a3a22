using System.Data;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using RabbitMQ.Client.Exceptions;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// Moves due outbox rows to the broker in batches: the rows go in the transaction that awaits the confirms, so a message may go out twice but never not at all. Rung when
/// this process enters a job; otherwise it sleeps until the next retry is due, and looks once a second for what others left.
/// </summary>
public sealed class OutboxPublisher(NpgsqlDataSource database, ToolJobBroker broker, TimeProvider time, ToolJobMetrics metrics, ILogger<OutboxPublisher> logger) : BackgroundService
{
    /// <summary>Per lane and batch, so that a flood of one lane holds up no other.</summary>
    private const int MostPerLane = 200;

    private static readonly TimeSpan SafetyNet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan BatchPatience = TimeSpan.FromSeconds(15);

    private readonly Wake _wake = new(time);
    private PublishingChannel? _channel;

    /// <summary>There is something to publish.</summary>
    public void Ring() => _wake.Ring();

    public override void Dispose()
    {
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await PublishAsync(stoppingToken) == 0)
                {
                    await _wake.WaitAsync(await NextDueAsync(stoppingToken), stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception) when (exception is NpgsqlException or RabbitMQClientException or OperationCanceledException or TimeoutException or IOException or ObjectDisposedException)
            {
                logger.OutboxStuck(exception.Message);
                await CloseAsync();
                await Task.Delay(SafetyNet, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await CloseAsync();
    }

    /// <returns>Messages that were published and confirmed.</returns>
    private async Task<int> PublishAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(BatchPatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(either.Token);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, either.Token);
        var messages = await TakeAsync(connection, either.Token);
        if (messages.Count > 0)
        {
            _channel ??= await broker.OpenForPublishingAsync(either.Token);
            await _channel.PublishAsync(messages, either.Token);
            await transaction.CommitAsync(either.Token);
            foreach (var lane in messages.CountBy(message => message.Tool))
            {
                metrics.Published(lane.Key, lane.Value);
            }
        }

        return messages.Count;
    }

    private static async Task<List<OutboxMessage>> TakeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            DELETE FROM reliability.tool_outbox WHERE id IN (
                SELECT due.id FROM unnest($1) AS lane(tool) CROSS JOIN LATERAL (
                    SELECT o.id FROM reliability.tool_outbox o
                    WHERE o.tool = lane.tool AND o.due_at <= statement_timestamp()
                    ORDER BY o.due_at LIMIT $2 FOR UPDATE SKIP LOCKED) due)
            RETURNING job_id, tool, trace_parent
            """, connection);
        command.Parameters.Add(new() { Value = ToolLane.All.Select(lane => lane.Tool).ToArray() });
        command.Parameters.Add(new() { Value = MostPerLane });
        var messages = new List<OutboxMessage>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            messages.Add(new(reader.GetGuid(0), reader.GetString(1), await reader.IsDBNullAsync(2, cancellationToken) ? null : reader.GetString(2)));
        }

        return messages;
    }

    /// <returns>How long nothing will be due, at most the safety net.</returns>
    private async Task<TimeSpan> NextDueAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            SELECT least(min(next.due_at) - statement_timestamp(), $2) FROM unnest($1) AS lane(tool) CROSS JOIN LATERAL (
                SELECT o.due_at FROM reliability.tool_outbox o WHERE o.tool = lane.tool ORDER BY o.due_at LIMIT 1) next
            """);
        command.Parameters.Add(new() { Value = ToolLane.All.Select(lane => lane.Tool).ToArray() });
        command.Parameters.Add(new() { Value = SafetyNet });
        var next = await command.ExecuteScalarAsync(cancellationToken) is TimeSpan due ? due : SafetyNet;
        return next > Shortest ? next : Shortest;
    }

    private async Task CloseAsync()
    {
        if (_channel is { } channel)
        {
            _channel = null;
            try
            {
                await channel.DisposeAsync();
            }
            catch (Exception exception) when (exception is RabbitMQClientException or IOException or OperationCanceledException or ObjectDisposedException or TimeoutException)
            {
                logger.OutboxStuck(exception.Message);
            }
        }
    }
}

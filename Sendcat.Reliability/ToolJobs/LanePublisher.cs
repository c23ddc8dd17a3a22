using System.Data;
using Microsoft.Extensions.Logging;
using Npgsql;
using RabbitMQ.Client.Exceptions;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>Publishes what is due of one lane.</summary>
internal sealed class LanePublisher(ToolLane lane, NpgsqlDataSource database, ToolJobBroker broker, TimeProvider time, ToolJobMetrics metrics, ILogger logger)
{
    private const int MostTogether = 200;

    private static readonly TimeSpan SafetyNet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan BatchPatience = TimeSpan.FromSeconds(10);

    /// <summary>What is due and could not be taken is in another replica's hands, which has it confirmed or lets it go.</summary>
    private static readonly TimeSpan InOtherHands = TimeSpan.FromMilliseconds(150);

    private readonly AutoResetSignal _wake = new(time);
    private PublishingChannel? _channel;

    public void Signal() => _wake.Set();

    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (await PublishAsync(stopping) == 0)
                {
                    await _wake.WaitAsync(await NextDueAsync(stopping), stopping);
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }
#pragma warning disable CA1031 // A lane whose publisher ended would stand still in a process that looks well.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (IsPassing(exception))
                {
                    logger.OutboxStuck(lane.Tool, exception.GetType().Name);
                }
                else
                {
                    logger.OutboxBroke(lane.Tool, exception);
                }

                await CloseAsync();
                await Task.Delay(SafetyNet, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await CloseAsync();
    }

    private static bool IsPassing(Exception exception) =>
        exception is NpgsqlException or RabbitMQClientException or OperationCanceledException or TimeoutException or IOException or ObjectDisposedException;

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
            _channel ??= await broker.OpenForPublishingAsync(lane, either.Token);
            await _channel.PublishAsync(messages, either.Token);
            await transaction.CommitAsync(either.Token);
            metrics.Published(lane.Tool, messages.Count);
        }

        return messages.Count;
    }

    private async Task<List<OutboxMessage>> TakeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // An array is made once; with IN the planner may have the rows chosen anew for each row, which takes ten times as long and heeds no limit.
        await using var command = new NpgsqlCommand(
            """
            -- take outbox messages
            DELETE FROM reliability.tool_outbox WHERE id = ANY(ARRAY(
                SELECT id FROM reliability.tool_outbox WHERE tool = $1 AND due_at <= statement_timestamp() ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))
            RETURNING job_id, trace_parent
            """, connection);
        command.Parameters.Add(new() { Value = lane.Tool });
        command.Parameters.Add(new() { Value = MostTogether });
        var messages = new List<OutboxMessage>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            messages.Add(new(reader.GetGuid(0), lane.Tool, await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetString(1)));
        }

        return messages;
    }

    /// <returns>How long nothing will be due for us, at most the safety net.</returns>
    private async Task<TimeSpan> NextDueAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- next outbox message
            SELECT least(min(due_at) - statement_timestamp(), $2) FROM reliability.tool_outbox WHERE tool = $1
            """);
        command.Parameters.Add(new() { Value = lane.Tool });
        command.Parameters.Add(new() { Value = SafetyNet });
        var next = await command.ExecuteScalarAsync(cancellationToken) is TimeSpan due ? due : SafetyNet;
        return next <= TimeSpan.Zero ? InOtherHands : next > Shortest ? next : Shortest;
    }

    private async Task CloseAsync()
    {
        if (_channel is { } channel)
        {
            _channel = null;
            await channel.DisposeAsync();
        }
    }
}

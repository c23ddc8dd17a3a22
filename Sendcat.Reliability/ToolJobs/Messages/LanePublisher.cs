using System.Data;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Reliability.ToolJobs.Messages;

/// <summary>Publishes the due outbox rows of one lane.</summary>
internal sealed class LanePublisher(
    ToolLane lane, NpgsqlDataSource database, ToolJobBroker broker, TimeProvider time, ToolJobMetrics metrics, StoreOutages outages,
    ILogger logger)
{
    private const int MaxBatchSize = 200;

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MinimumDelay = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan BatchTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Delay after which due rows are read again that another replica has locked. That replica linked confirms and deletes them or unlocks
    /// them.
    /// </summary>
    private static readonly TimeSpan LockedRowsDelay = TimeSpan.FromMilliseconds(150);

    private readonly AutoResetSignal _wake = new(time);
    private readonly WorkOutage _reading = new($"Reading of the outbox of {lane.Tool}", outages.Postgres, logger, time);
    private readonly WorkOutage _publishing = new($"Publishing of {lane.Tool}", outages.RabbitMq, logger, time);
    private PublishingChannel? _channel;
    private bool _isPublishing;

    public void Signal() => _wake.Set();

    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (broker.IsBlocked)
                {
                    // A publish would wait for its confirm, with the rows locked. They stay in the outbox.
                    await Task.Delay(PollInterval, time, stopping);
                }
                else
                {
                    var published = await PublishAsync(stopping);
                    _reading.Ends();
                    if (published == 0)
                    {
                        await _wake.WaitAsync(await NextDueAsync(stopping), stopping);
                    }
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }
#pragma warning disable CA1031 // Without its publisher the lane would stop in a process that reports itself healthy.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (!IsTransient(exception))
                {
                    logger.PublisherFailed(lane.Tool, exception);
                }
                else if ((_isPublishing ? _publishing : _reading).Begins(exception))
                {
                    logger.OutboxNotPublished(lane.Tool, exception.GetType().Name);
                }

                await CloseAsync();
                await Task.Delay(PollInterval, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await CloseAsync();
    }

    private static bool IsTransient(Exception exception) => PostgresFailure.Is(exception) || BrokerFailure.Is(exception);

    /// <returns>The number of messages that were published and confirmed.</returns>
    private async Task<int> PublishAsync(CancellationToken cancellationToken)
    {
        _isPublishing = false;
        using var timeout = new CancellationTokenSource(BatchTimeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(linked.Token);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, linked.Token);
        var messages = await TakeDueAsync(connection, linked.Token);
        if (messages.Count > 0)
        {
            _isPublishing = true;
            _channel ??= await broker.OpenForPublishingAsync(lane, linked.Token);
            await _channel.PublishAsync(messages, linked.Token);
            _isPublishing = false;
            _publishing.Ends();
            await transaction.CommitAsync(linked.Token);
            metrics.Published(lane.Tool, messages.Count);
        }

        return messages.Count;
    }

    private async Task<List<OutboxMessage>> TakeDueAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Postgres evaluates the array once. With IN the planner may evaluate the subquery again for each row, which takes ten times as
        // long and ignores the limit.
        await using var command = new NpgsqlCommand(
            """
            -- take outbox messages
            DELETE FROM reliability.tool_outbox WHERE id = ANY(ARRAY(
                SELECT id FROM reliability.tool_outbox WHERE tool = $1 AND due_at <= statement_timestamp()
                ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))
            RETURNING job_id, trace_parent
            """, connection);
        command.Parameters.Add(new() { Value = lane.Tool });
        command.Parameters.Add(new() { Value = MaxBatchSize });
        var messages = new List<OutboxMessage>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            messages.Add(new(reader.GetGuid(0), lane.Tool, await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetString(1)));
        }

        return messages;
    }

    /// <returns>The time until the next row is due, at most <see cref="PollInterval"/>.</returns>
    private async Task<TimeSpan> NextDueAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- next outbox message
            SELECT least(min(due_at) - statement_timestamp(), $2) FROM reliability.tool_outbox WHERE tool = $1
            """);
        command.Parameters.Add(new() { Value = lane.Tool });
        command.Parameters.Add(new() { Value = PollInterval });
        var next = await command.ExecuteScalarAsync(cancellationToken) is TimeSpan due ? due : PollInterval;
        return next <= TimeSpan.Zero ? LockedRowsDelay : next > MinimumDelay ? next : MinimumDelay;
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

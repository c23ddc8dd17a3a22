using System.Threading.RateLimiting;
using RabbitMQ.Client;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Reliability.ToolJobs.Messages;

/// <summary>Opens the channels to the broker that the queue needs, over the process's single connection.</summary>
/// <param name="connect">Opens or returns that connection.</param>
/// <param name="outage">Gets the loss and the recovery of the connection.</param>
public sealed class ToolJobBroker(Func<CancellationToken, Task<IConnection>> connect, TimeProvider time, StoreOutage? outage = null)
{
    /// <summary>Maximum number of publishes that await their confirmation at the same time.</summary>
    private const int MaxUnconfirmed = 512;

    /// <summary>
    /// Timeout for a queue. A queue without a leader does not respond at all, and the client library would wait for it much longer.
    /// </summary>
    private static readonly TimeSpan QueueTimeout = TimeSpan.FromSeconds(5);

    private IConnection? _watched;

    /// <summary>
    /// True: the broker accepts no messages because it lacks memory or disk space. It reports so when this process publishes.
    /// </summary>
    public bool IsBlocked { get; private set; }

    /// <summary>
    /// Declares the lane's queue and opens a channel with publisher confirms. A publish completes when the broker has the message on disk,
    /// and fails when no queue takes the message.
    /// </summary>
    internal async Task<PublishingChannel> OpenForPublishingAsync(ToolLane lane, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);

        // The client library's own limiter delays publishes and finally rejects them. This limiter queues them without a bound.
        var limiter = new ConcurrencyLimiter(new()
        {
            PermitLimit = MaxUnconfirmed,
            QueueLimit = int.MaxValue,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        });
        IChannel? channel = null;
        try
        {
            channel = await connection.CreateChannelAsync(
                new(
                    publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true,
                    outstandingPublisherConfirmationsRateLimiter: limiter),
                cancellationToken);
            await ToolJobTopology.DeclareAsync(channel, lane, cancellationToken);
            return new(channel, limiter, time);
        }
        catch
        {
            if (channel is not null)
            {
                await channel.CloseQuietlyAsync(time);
            }

            await limiter.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Declares the lane's queue and starts a consumer that holds at most <paramref name="prefetch"/> messages. The caller owns the
    /// returned channel.
    /// </summary>
    /// <param name="consumer">Creates the consumer for the channel.</param>
    /// <exception cref="TimeoutException">The broker responds, but the queue does not respond within 5 s.</exception>
    public async Task<IChannel> ConsumeAsync(
        ToolLane lane, ushort prefetch, Func<IChannel, IAsyncBasicConsumer> consumer, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            // The client library observes the token only while it sends. For the response it waits up to its own 20 s.
            await StartAsync().WaitAsync(QueueTimeout, time, cancellationToken);
            return channel;
        }
        catch
        {
            await channel.CloseQuietlyAsync(time);
            throw;
        }

        async Task StartAsync()
        {
            await ToolJobTopology.DeclareAsync(channel, lane, cancellationToken);
            await channel.BasicQosAsync(prefetchSize: 0, prefetch, global: false, cancellationToken);
            await channel.BasicConsumeAsync(ToolJobTopology.QueueOf(lane.Tool), autoAck: false, consumer(channel), cancellationToken);
        }
    }

    /// <summary>Deletes an unresponsive queue and declares it again. Its messages are lost; the sweeper publishes them again.</summary>
    /// <exception cref="TimeoutException">The broker responds, but the queue is not there again within 5 s.</exception>
    public async Task RebuildAsync(ToolLane lane, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            await ReplaceAsync().WaitAsync(QueueTimeout, time, cancellationToken);
        }
        finally
        {
            await channel.CloseQuietlyAsync(time);
        }

        async Task ReplaceAsync()
        {
            await channel.QueueDeleteAsync(ToolJobTopology.QueueOf(lane.Tool), cancellationToken: cancellationToken);
            await ToolJobTopology.DeclareAsync(channel, lane, cancellationToken);
        }
    }

    /// <summary>The number of messages of the lane that no consumer holds. A missing queue is declared first.</summary>
    /// <exception cref="TimeoutException">The queue does not respond within 5 s.</exception>
    public async Task<int> CountAsync(ToolLane lane, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            return (int)await ToolJobTopology.DeclareAsync(channel, lane, cancellationToken)
                .WaitAsync(QueueTimeout, time, cancellationToken);
        }
        finally
        {
            await channel.CloseQuietlyAsync(time);
        }
    }

    private async Task<IConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var connection = await connect(cancellationToken);
        if (Interlocked.Exchange(ref _watched, connection) != connection)
        {
            connection.ConnectionBlockedAsync += (_, _) => SetBlockedAsync(true);
            connection.ConnectionUnblockedAsync += (_, _) => SetBlockedAsync(false);
            connection.ConnectionShutdownAsync += (_, shutdown) =>
            {
                if (shutdown.Initiator is not ShutdownInitiator.Application)
                {
                    outage?.Fails("its connection", shutdown.ReplyText);
                }

                return SetBlockedAsync(false);
            };
            connection.RecoverySucceededAsync += (_, _) =>
            {
                outage?.Works();
                return Task.CompletedTask;
            };
        }

        return connection;
    }

    private Task SetBlockedAsync(bool blocked)
    {
        IsBlocked = blocked;
        return Task.CompletedTask;
    }
}

/// <summary>A channel with publisher confirms, together with its limiter.</summary>
internal sealed class PublishingChannel(IChannel channel, ConcurrencyLimiter limiter, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Completes when the broker has confirmed all messages.</summary>
    /// <exception cref="RabbitMQ.Client.Exceptions.PublishException">
    /// A message was rejected or had no queue. Other messages may have been published.
    /// </exception>
    public async Task PublishAsync(IReadOnlyList<OutboxMessage> messages, CancellationToken cancellationToken)
    {
        var publishes = new List<Task>(messages.Count);
        foreach (var message in messages)
        {
            publishes.Add(PublishAsync(message, cancellationToken));
        }

        await Task.WhenAll(publishes);
    }

    public async ValueTask DisposeAsync()
    {
        await channel.CloseQuietlyAsync(time);
        await limiter.DisposeAsync();
    }

    private async Task PublishAsync(OutboxMessage message, CancellationToken cancellationToken)
    {
        using var span = new TraceContext(message.TraceParent, null)
            .Start($"publish {message.Tool}", System.Diagnostics.ActivityKind.Producer);
        var id = message.Job.ToString();
        var properties = new BasicProperties { Persistent = true, MessageId = id, Type = message.Tool };
        await channel.BasicPublishAsync(
            "", ToolJobTopology.QueueOf(message.Tool), mandatory: true, properties, System.Text.Encoding.ASCII.GetBytes(id),
            cancellationToken);
    }
}

/// <summary>
/// A message that reports one more job of the lane. The job id is only for operators who inspect the queue: the worker that receives the
/// message claims the job that is next in fair order.
/// </summary>
internal sealed record OutboxMessage(Guid Job, string Tool, string? TraceParent);

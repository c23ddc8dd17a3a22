using System.Threading.RateLimiting;
using RabbitMQ.Client;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>Channels to the broker as the queue needs them, over the process's one connection.</summary>
/// <param name="connect">Opens or hands out that connection.</param>
public sealed class ToolJobBroker(Func<CancellationToken, Task<IConnection>> connect, TimeProvider time)
{
    /// <summary>Publishes that may await their confirmation at once.</summary>
    private const int MostUnconfirmed = 512;

    /// <summary>A queue without a leader answers nothing at all; the client would wait for it for long.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>A channel on which a publish ends when the broker has the message on disk, and fails when it has no queue for it. The lane's queue exists.</summary>
    internal async Task<PublishingChannel> OpenForPublishingAsync(ToolLane lane, CancellationToken cancellationToken)
    {
        var connection = await connect(cancellationToken);

        // The client's own limiter slows down and finally refuses; this one lets publishes queue.
        var limiter = new ConcurrencyLimiter(new() { PermitLimit = MostUnconfirmed, QueueLimit = int.MaxValue, QueueProcessingOrder = QueueProcessingOrder.OldestFirst });
        IChannel? channel = null;
        try
        {
            channel = await connection.CreateChannelAsync(
                new(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: limiter), cancellationToken);
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

    /// <summary>Starts a consumer that holds at most <paramref name="prefetch"/> messages of the lane; its channel is yours. The lane's queue exists.</summary>
    /// <param name="consumer">Made for the channel.</param>
    /// <exception cref="TimeoutException">The broker is there, but the queue does not answer.</exception>
    public async Task<IChannel> ConsumeAsync(ToolLane lane, ushort prefetch, Func<IChannel, IAsyncBasicConsumer> consumer, CancellationToken cancellationToken)
    {
        var connection = await connect(cancellationToken);
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            // The client minds the token only while it sends; for the answer it waits its own 20 s.
            await StartAsync().WaitAsync(Patience, time, cancellationToken);
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

    /// <summary>Deletes a queue that does not answer and makes it anew. Its messages are lost, which the sweeper sets right.</summary>
    public async Task RebuildAsync(ToolLane lane, CancellationToken cancellationToken)
    {
        var connection = await connect(cancellationToken);
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            await channel.QueueDeleteAsync(ToolJobTopology.QueueOf(lane.Tool), cancellationToken: cancellationToken);
            await ToolJobTopology.DeclareAsync(channel, lane, cancellationToken);
        }
        finally
        {
            await channel.CloseQuietlyAsync(time);
        }
    }

    /// <summary>Messages of the lane that no consumer holds; a queue that was deleted is made again.</summary>
    public async Task<int> CountAsync(ToolLane lane, CancellationToken cancellationToken)
    {
        var connection = await connect(cancellationToken);
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            return (int)await ToolJobTopology.DeclareAsync(channel, lane, cancellationToken).WaitAsync(Patience, time, cancellationToken);
        }
        finally
        {
            await channel.CloseQuietlyAsync(time);
        }
    }
}

/// <summary>A channel with confirms and its limiter.</summary>
internal sealed class PublishingChannel(IChannel channel, ConcurrencyLimiter limiter, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Ends when the broker has all the messages.</summary>
    /// <exception cref="RabbitMQ.Client.Exceptions.PublishException">One was refused or had no queue; others may have arrived.</exception>
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
        using var span = new TraceContext(message.TraceParent, null).Start($"publish {message.Tool}", System.Diagnostics.ActivityKind.Producer);
        var id = message.Job.ToString();
        var properties = new BasicProperties { Persistent = true, MessageId = id, Type = message.Tool };
        await channel.BasicPublishAsync("", ToolJobTopology.QueueOf(message.Tool), mandatory: true, properties, System.Text.Encoding.ASCII.GetBytes(id), cancellationToken);
    }
}

/// <summary>Says that the lane has one job more. The id is for people who look at queues: whoever gets the message takes the lane's fairest job.</summary>
internal sealed record OutboxMessage(Guid Job, string Tool, string? TraceParent);

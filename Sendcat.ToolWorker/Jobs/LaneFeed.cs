using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>
/// The unsettled messages of one lane that this worker holds, in order of delivery. Each message may start one job. The feed ends when its
/// channel closes or its queue is deleted; the caller then opens a new one.
/// </summary>
internal sealed class LaneFeed : IAsyncDisposable
{
    private readonly Channel<ulong> _arrived = Channel.CreateUnbounded<ulong>(new() { SingleReader = true });
    private readonly Queue<ulong> _held = [];
    private readonly TimeProvider _time;
    private IChannel _channel = null!;

    private LaneFeed(TimeProvider time) => _time = time;

    /// <summary>Number of messages that were read from the channel and are not settled.</summary>
    public int Held => _held.Count;

    /// <summary>Starts a consumer on the queue of the lane.</summary>
    /// <param name="prefetch">Maximum number of unsettled messages that this worker holds.</param>
    /// <exception cref="TimeoutException">The broker responds, but the queue does not respond within 5 s.</exception>
    public static async Task<LaneFeed> OpenAsync(
        ToolJobBroker broker, ToolLane lane, int prefetch, TimeProvider time, CancellationToken cancellationToken)
    {
        var feed = new LaneFeed(time);
        feed._channel = await broker.ConsumeAsync(lane, (ushort)prefetch, feed.Consumer, cancellationToken);
        return feed;
    }

    /// <summary>Waits until at least one unsettled message is held, and reads all messages that have arrived.</summary>
    /// <returns>False: the feed has ended. The broker redelivers the unsettled messages.</returns>
    public async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_held.Count == 0 && !await _arrived.Reader.WaitToReadAsync(cancellationToken))
        {
            return false;
        }

        while (_arrived.Reader.TryRead(out var tag))
        {
            _held.Enqueue(tag);
        }

        return !_arrived.Reader.Completion.IsCompleted;
    }

    /// <summary>Acknowledges the oldest held messages.</summary>
    public async Task SettleAsync(int count, CancellationToken cancellationToken)
    {
        ulong last = 0;
        for (; count > 0; count--)
        {
            last = _held.Dequeue();
        }

        if (last > 0)
        {
            await _channel.BasicAckAsync(last, multiple: true, cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => _channel.CloseQuietlyAsync(_time);

    private AsyncEventingBasicConsumer Consumer(IChannel channel)
    {
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            _arrived.Writer.TryWrite(delivery.DeliveryTag);
            return Task.CompletedTask;
        };
        consumer.UnregisteredAsync += (_, _) => EndAsync();
        consumer.ShutdownAsync += (_, _) => EndAsync();
        return consumer;
    }

    private Task EndAsync()
    {
        _arrived.Writer.TryComplete();
        return Task.CompletedTask;
    }
}

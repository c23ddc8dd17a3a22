using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>The messages of one lane that this worker holds, in order. Each lets one job start. Ends when its channel or its queue is gone; then open another.</summary>
internal sealed class LaneFeed : IAsyncDisposable
{
    private readonly Channel<ulong> _arrived = Channel.CreateUnbounded<ulong>(new() { SingleReader = true });
    private readonly Queue<ulong> _held = [];
    private readonly TimeProvider _time;
    private IChannel _channel = null!;

    private LaneFeed(TimeProvider time) => _time = time;

    /// <summary>Messages in hand that are not settled.</summary>
    public int Held => _held.Count;

    /// <param name="prefetch">Messages that this worker holds at most.</param>
    /// <exception cref="TimeoutException">The broker is there, but the queue does not answer.</exception>
    public static async Task<LaneFeed> OpenAsync(ToolJobBroker broker, ToolLane lane, int prefetch, TimeProvider time, CancellationToken cancellationToken)
    {
        var feed = new LaneFeed(time);
        feed._channel = await broker.ConsumeAsync(lane, (ushort)prefetch, feed.Consumer, cancellationToken);
        return feed;
    }

    /// <summary>Waits until at least one message is in hand and takes what else has come.</summary>
    /// <returns>False: the feed has ended; messages in hand were given to others.</returns>
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

    /// <summary>Settles the oldest messages in hand.</summary>
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

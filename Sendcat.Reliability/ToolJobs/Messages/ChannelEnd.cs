using RabbitMQ.Client;

namespace Sendcat.Reliability.ToolJobs.Messages;

public static class ChannelEnd
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Closes a channel and waits at most 2 s for the broker's confirmation. A channel that waits for an unresponsive queue gets none. A
    /// lost connection has closed the channel already. Nothing is thrown in either case.
    /// </summary>
    public static async ValueTask CloseQuietlyAsync(this IChannel channel, TimeProvider time)
    {
        var closing = channel.DisposeAsync().AsTask();
        try
        {
            await closing.WaitAsync(CloseTimeout, time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            // The close continues in the background, bounded by the timeout of the client library.
            _ = closing.ContinueWith(
                static late => _ = late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }
        catch (Exception exception) when (BrokerFailure.Is(exception))
        {
            // The channel was already closed.
        }
    }
}

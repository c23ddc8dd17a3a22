using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Sendcat.Reliability.ToolJobs;

public static class ChannelEnd
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Closes a channel without waiting long for the broker's leave: one that waits for a silent queue does not answer, and a lost connection has closed it already.</summary>
    public static async ValueTask CloseQuietlyAsync(this IChannel channel, TimeProvider time)
    {
        var closing = channel.DisposeAsync().AsTask();
        try
        {
            await closing.WaitAsync(Patience, time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            // It goes on by itself, bounded by the client's own time-out.
            _ = closing.ContinueWith(static late => _ = late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }
        catch (Exception exception) when (exception is RabbitMQClientException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // There was nothing left to close.
        }
    }
}

using RabbitMQ.Client.Exceptions;

namespace Sendcat.Reliability.ToolJobs.Messages;

/// <summary>
/// Recognizes the exceptions that the RabbitMQ client throws while the broker or a queue is unavailable or too slow. The client cancels
/// what waits for a response when its connection closes.
/// </summary>
public static class BrokerFailure
{
    public static bool Is(Exception exception) =>
        exception is RabbitMQClientException or IOException or ObjectDisposedException or OperationCanceledException or TimeoutException;
}

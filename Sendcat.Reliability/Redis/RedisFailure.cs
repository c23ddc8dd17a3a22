using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>Recognizes the exceptions that the Redis client throws while Redis is unavailable, reports an error or is too slow.</summary>
public static class RedisFailure
{
    // What the client (StackExchange.Redis 2.13) throws beside its own exceptions:
    // - InvalidOperationException: a connection broke during a write, "Writing is not allowed after writer was completed". A disposed
    //   multiplexer throws ObjectDisposedException, which is a subclass.
    // - ArgumentOutOfRangeException of its pipe: a connection was reset between the two halves of a write.
    // - IOException: a connection was reset while a call was in flight (ConnectionResetException of the socket).
    // - OperationCanceledException without a token: a connection was closed while a call was in flight. A caller that cancels has a token.
    public static bool Is(Exception exception) =>
        exception is RedisException or TimeoutException or InvalidOperationException or IOException
            or ArgumentOutOfRangeException { Source: "System.IO.Pipelines" }
            or OperationCanceledException { CancellationToken.CanBeCanceled: false };
}

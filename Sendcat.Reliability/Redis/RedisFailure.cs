using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>Recognizes the exceptions that the Redis client throws while Redis is unavailable, reports an error or is too slow.</summary>
public static class RedisFailure
{
    // InvalidOperationException: when a connection breaks during a write, the client passes on the exception of its pipe, "Writing is not
    // allowed after writer was completed" (StackExchange.Redis 2.13). A disposed multiplexer throws ObjectDisposedException, which is a
    // subclass.
    public static bool Is(Exception exception) => exception is RedisException or TimeoutException or InvalidOperationException;
}

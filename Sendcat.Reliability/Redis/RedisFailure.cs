using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>What calls of the Redis client throw while Redis is away, unwell or too slow.</summary>
public static class RedisFailure
{
    // A connection that breaks in the midst of a write lets through what its pipe throws: "Writing is not allowed after writer was completed" (StackExchange.Redis 2.13). A multiplexer
    // that was disposed is one of those as well.
    public static bool Is(Exception exception) => exception is RedisException or TimeoutException or InvalidOperationException;
}

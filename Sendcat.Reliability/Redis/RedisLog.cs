using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Redis;

/// <summary>Event ids 2200–2299.</summary>
internal static partial class RedisLog
{
    [LoggerMessage(2201, LogLevel.Warning, "Redis stopped answering, decisions are taken without it: {Error}")]
    public static partial void RedisIsAway(this ILogger logger, string error);

    [LoggerMessage(2202, LogLevel.Information, "Redis answered again")]
    public static partial void RedisIsBack(this ILogger logger);

    [LoggerMessage(2203, LogLevel.Warning, "{Count} leases were gone from Redis and were taken again")]
    public static partial void LeasesRebuilt(this ILogger logger, int count);

    [LoggerMessage(2204, LogLevel.Warning, "Lease {Holder} was lost: {Why}")]
    public static partial void LeaseLost(this ILogger logger, string holder, string why);

    [LoggerMessage(2205, LogLevel.Warning, "Replica {Replica} was silent for too long, its leases were freed")]
    public static partial void ReplicaBuried(this ILogger logger, string replica);

    [LoggerMessage(2206, LogLevel.Error, "Keeping leases failed unexpectedly, it goes on")]
    public static partial void KeepingFailed(this ILogger logger, Exception exception);

    [LoggerMessage(2207, LogLevel.Warning, "This process stood still for {Ms} ms, its leases may have gone to others")]
    public static partial void StoodStill(this ILogger logger, long ms);
}

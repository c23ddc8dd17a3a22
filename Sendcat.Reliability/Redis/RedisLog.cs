using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Redis;

/// <summary>Event ids 2200–2299.</summary>
internal static partial class RedisLog
{
    [LoggerMessage(2203, LogLevel.Warning, "{Count} leases missing in Redis acquired again")]
    public static partial void LeasesRebuilt(this ILogger logger, int count);

    [LoggerMessage(2204, LogLevel.Warning, "Lease {Holder} lost: {Why}")]
    public static partial void LeaseLost(this ILogger logger, string holder, string why);

    [LoggerMessage(2205, LogLevel.Warning, "Replica {Replica} timed out, its leases were released")]
    public static partial void ReplicaReaped(this ILogger logger, string replica);

    [LoggerMessage(2207, LogLevel.Warning, "Process was suspended for {Ms} ms, its leases may have expired")]
    public static partial void ProcessSuspended(this ILogger logger, long ms);

    [LoggerMessage(
        2208, LogLevel.Warning, "Redis came back without its data: windows and budgets count from zero, leases are acquired again")]
    public static partial void RedisLostData(this ILogger logger);
}

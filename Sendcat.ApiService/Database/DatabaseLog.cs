namespace Sendcat.ApiService.Database;

/// <summary>Event ids 1100–1199.</summary>
internal static partial class DatabaseLog
{
    [LoggerMessage(1100, LogLevel.Warning, "Postgres not ready ({Cause}), retrying until it is")]
    public static partial void StoreNotReady(this ILogger logger, string cause);

    [LoggerMessage(1101, LogLevel.Information, "Applied {Count} migrations, the last one {Last}")]
    public static partial void SchemaMigrated(this ILogger logger, int count, string last);
}

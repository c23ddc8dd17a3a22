using Microsoft.Extensions.Logging;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>Event ids 5000–5099.</summary>
internal static partial class ConnectionsLog
{
    [LoggerMessage(
        5000, LogLevel.Information,
        "Connections capped at {Connections}: {Descriptors} descriptors, {Kept} kept for stores, upstreams and files")]
    public static partial void ConnectionsCapped(this ILogger logger, int connections, long descriptors, long kept);

    [LoggerMessage(5001, LogLevel.Warning, "{Refused} connections closed: {Connections} are open")]
    public static partial void ConnectionsRefused(this ILogger logger, long refused, int connections);

    [LoggerMessage(
        5002, LogLevel.Error, "File descriptors exhausted with {Connections} connections open: accepting stops until some are free")]
    public static partial void DescriptorsUsedUp(this ILogger logger, int connections);
}

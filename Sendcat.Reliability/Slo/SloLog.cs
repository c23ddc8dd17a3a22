using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Slo;

/// <summary>Event ids 2350–2399.</summary>
internal static partial class SloLog
{
    [LoggerMessage(2351, LogLevel.Warning, "{Count} service level minutes not written, retrying: {Error}")]
    public static partial void MinutesUnwritten(this ILogger logger, int count, string error);

    [LoggerMessage(2352, LogLevel.Warning, "Service level minutes not folded into hours: {Error}")]
    public static partial void MinutesNotFolded(this ILogger logger, string error);
}

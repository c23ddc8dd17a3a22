namespace Sendcat.Monitor.Watch;

/// <summary>Event ids 7000–7099.</summary>
internal static partial class WatchLog
{
    [LoggerMessage(7001, LogLevel.Information, "API {Address} is {State}: {Reason}")]
    public static partial void ApiStateChanged(this ILogger logger, Uri address, string state, string reason);

    [LoggerMessage(7002, LogLevel.Warning, "API addresses could not be probed")]
    public static partial void ProbeFailed(this ILogger logger, Exception exception);
}

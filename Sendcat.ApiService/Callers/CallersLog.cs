namespace Sendcat.ApiService.Callers;

/// <summary>Event ids 3100–3199.</summary>
internal static partial class CallersLog
{
    [LoggerMessage(3101, LogLevel.Warning, "Caller {Caller} was blocked until {Until} by {Actor}")]
    public static partial void CallerBlocked(this ILogger logger, string caller, DateTimeOffset until, string actor);

    [LoggerMessage(3102, LogLevel.Warning, "Caller {Caller} was unblocked by {Actor}")]
    public static partial void CallerUnblocked(this ILogger logger, string caller, string actor);

    [LoggerMessage(3103, LogLevel.Warning, "Blocked callers not read, keeping the last known ones: {Error}")]
    public static partial void BlocksUnread(this ILogger logger, string error);

    [LoggerMessage(3104, LogLevel.Warning, "Signal of a blocked caller lost; other replicas read it within seconds ({Failure})")]
    public static partial void BlockSignalLost(this ILogger logger, string failure);
}

namespace Sendcat.ApiService.Callers;

/// <summary>Event ids 3100–3199.</summary>
internal static partial class CallersLog
{
    [LoggerMessage(3101, LogLevel.Warning, "Caller {Caller} was blocked until {Until} by {Actor}")]
    public static partial void CallerBlocked(this ILogger logger, string caller, DateTimeOffset until, string actor);

    [LoggerMessage(3102, LogLevel.Warning, "Caller {Caller} was unblocked by {Actor}")]
    public static partial void CallerUnblocked(this ILogger logger, string caller, string actor);
}

namespace Sendcat.ApiService.Ops;

/// <summary>Event ids 1600–1699. Keys are never logged, not even wrong ones: they may be valid in another system.</summary>
internal static partial class OpsLog
{
    [LoggerMessage(1601, LogLevel.Warning, "Wrong operator key from {Address}: {Method} {Route}")]
    public static partial void WrongOperatorKey(this ILogger logger, string address, string method, string route);
}

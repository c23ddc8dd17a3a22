namespace Sendcat.ApiService.Ops;

/// <summary>Event ids 1600–1699. Keys are never logged, not even wrong ones: they may be valid in another system.</summary>
internal static partial class OpsLog
{
    [LoggerMessage(1601, LogLevel.Warning, "Wrong operator key from {Address}: {Method} {Route}")]
    public static partial void WrongOperatorKey(this ILogger logger, string address, string method, string route);

    [LoggerMessage(1602, LogLevel.Warning, "{Role} key {Name} made by {Actor}")]
    public static partial void OperatorKeyMade(this ILogger logger, string role, string name, string actor);

    [LoggerMessage(1603, LogLevel.Warning, "{Role} key {Name} revoked by {Actor}")]
    public static partial void OperatorKeyRevoked(this ILogger logger, string role, string name, string actor);

    [LoggerMessage(1604, LogLevel.Warning, "Operator keys could not be read, the last known ones stay valid: {Error}")]
    public static partial void OperatorKeysNotRead(this ILogger logger, string error);
}

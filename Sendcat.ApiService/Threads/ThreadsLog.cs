namespace Sendcat.ApiService.Threads;

/// <summary>Event ids 1300–1399.</summary>
internal static partial class ThreadsLog
{
    [LoggerMessage(1300, LogLevel.Warning, "Security: {Principal} was denied access to a thread in {Function}")]
    public static partial void AccessRefused(this ILogger logger, string principal, string function);

    [LoggerMessage(1301, LogLevel.Information, "User {UserId} adopted {Count} threads of a session")]
    public static partial void ThreadsAdopted(this ILogger logger, string userId, int count);

    [LoggerMessage(1302, LogLevel.Warning, "Signals about changed threads failed: {Cause}")]
    public static partial void SignalFailed(this ILogger logger, string cause);

    [LoggerMessage(1303, LogLevel.Warning, "The changes of a thread could not be read: {Cause}")]
    public static partial void ThreadUnreadable(this ILogger logger, string cause);
}

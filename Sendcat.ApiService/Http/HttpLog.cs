namespace Sendcat.ApiService.Http;

/// <summary>Event ids 1000–1099.</summary>
internal static partial class HttpLog
{
    [LoggerMessage(1000, LogLevel.Error, "{Method} {Route} failed")]
    public static partial void RequestFailed(this ILogger logger, Exception fault, string method, string route);

    [LoggerMessage(1001, LogLevel.Warning, "{Method} {Route} refused, a store is unavailable: {Cause}")]
    public static partial void StoreUnavailable(this ILogger logger, string cause, string method, string route);

    [LoggerMessage(1002, LogLevel.Warning, "{Method} {Route} refused, other work holds the same rows: {Cause}")]
    public static partial void RowsLocked(this ILogger logger, string cause, string method, string route);

    [LoggerMessage(1010, LogLevel.Warning, "ALLOWED_ORIGINS is empty: browsers cannot call this API")]
    public static partial void NoOrigins(this ILogger logger);

    [LoggerMessage(1011, LogLevel.Warning, "Origin {Origin} refused: ALLOWED_ORIGINS does not contain it")]
    public static partial void OriginRefused(this ILogger logger, string origin);

    [LoggerMessage(1012, LogLevel.Warning, "Further refused origins are not logged until {Until}")]
    public static partial void FurtherOriginsNotLogged(this ILogger logger, DateTimeOffset until);
}

namespace Sendcat.ApiService.Providers;

/// <summary>Event ids 4000–4099.</summary>
internal static partial class ProviderLog
{
    [LoggerMessage(4020, LogLevel.Warning, "File {Key} not sent to the model, the file store is unavailable ({Cause})")]
    public static partial void FileNotSent(this ILogger logger, string key, string cause);

    [LoggerMessage(
        4000, LogLevel.Debug, "Model call of stream {StreamId} failed on route {RouteId}: {Code}, status {Status}, attempt {Attempt}")]
    public static partial void AttemptFailed(this ILogger logger, string streamId, string routeId, string code, int? status, int attempt);

    [LoggerMessage(4001, LogLevel.Debug, "Model call of stream {StreamId} failed over to route {RouteId} after {Code}")]
    public static partial void FailedOver(this ILogger logger, string streamId, string routeId, string code);

    [LoggerMessage(4002, LogLevel.Debug, "Model call of stream {StreamId} retried on route {RouteId} in {DelayMs} ms")]
    public static partial void TriedAgain(this ILogger logger, string streamId, string routeId, int delayMs);

    [LoggerMessage(
        4003, LogLevel.Warning,
        "{Calls} model calls failed within a minute on route {RouteId}: {Code}, status {Status}; one of them is of stream {StreamId}")]
    public static partial void CallsFailed(this ILogger logger, int calls, string routeId, string code, int? status, string streamId);

    [LoggerMessage(4004, LogLevel.Information, "Idle route {RouteId} tested: {Result} after {DurationMs} ms")]
    public static partial void IdleRouteTested(this ILogger logger, string routeId, string result, long durationMs);

    [LoggerMessage(4010, LogLevel.Debug, "Live model catalogue refreshed: {Models} models")]
    public static partial void CatalogueRefreshed(this ILogger logger, int models);

    [LoggerMessage(4011, LogLevel.Information, "Live model catalogue not refreshed: {Reason}")]
    public static partial void CatalogueNotRefreshed(this ILogger logger, string reason);
}

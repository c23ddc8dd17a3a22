namespace Sendcat.ApiService.Orders;

/// <summary>Event ids 1900–1999.</summary>
internal static partial class OrdersLog
{
    [LoggerMessage(1901, LogLevel.Warning, "Security: {Principal} was denied access to a draft in {Function}")]
    public static partial void DraftRefused(this ILogger logger, string principal, string function);
}

namespace Sendcat.ApiService.Shopping;

/// <summary>Event ids 1500–1599.</summary>
internal static partial class ShoppingLog
{
    [LoggerMessage(1500, LogLevel.Warning, "{Function} refused: {Error}")]
    public static partial void ShopUnavailable(this ILogger logger, string function, string error);

    [LoggerMessage(1501, LogLevel.Warning, "Security: {Principal} was denied access to a favourite or a favourite list in {Function}")]
    public static partial void FavoriteRefused(this ILogger logger, string principal, string function);
}

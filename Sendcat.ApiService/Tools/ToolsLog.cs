namespace Sendcat.ApiService.Tools;

/// <summary>Event ids 4500–4599.</summary>
internal static partial class ToolsLog
{
    [LoggerMessage(4501, LogLevel.Error, "Tool {Tool} failed")]
    public static partial void ToolFailed(this ILogger logger, string tool, Exception failure);

    [LoggerMessage(4502, LogLevel.Warning, "Categories not read ({Failure}); searching without them")]
    public static partial void CategoriesUnreachable(this ILogger logger, string failure);
}

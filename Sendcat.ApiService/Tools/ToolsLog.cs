namespace Sendcat.ApiService.Tools;

/// <summary>Event ids 4000–4099.</summary>
internal static partial class ToolsLog
{
    [LoggerMessage(4001, LogLevel.Error, "Tool {Tool} failed")]
    public static partial void ToolFailed(this ILogger logger, string tool, Exception failure);
}

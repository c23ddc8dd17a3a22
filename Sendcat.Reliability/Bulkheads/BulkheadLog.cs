using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>Event ids 2500–2599.</summary>
internal static partial class BulkheadLog
{
    [LoggerMessage(2501, LogLevel.Warning, "The lane of {Provider} was full with {MaxConcurrent} places")]
    public static partial void LaneSaturated(this ILogger logger, string provider, int maxConcurrent);
}

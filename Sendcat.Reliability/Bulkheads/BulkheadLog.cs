using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>Event ids 2500–2599.</summary>
internal static partial class BulkheadLog
{
    [LoggerMessage(2501, LogLevel.Warning, "Bulkhead of {Provider} full: {MaxConcurrent} slots in use")]
    public static partial void BulkheadSaturated(this ILogger logger, string provider, int maxConcurrent);
}

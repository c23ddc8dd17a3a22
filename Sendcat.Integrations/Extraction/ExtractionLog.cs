using Microsoft.Extensions.Logging;

namespace Sendcat.Integrations.Extraction;

internal static partial class ExtractionLog
{
    [LoggerMessage(8001, LogLevel.Warning, "Extraction model {Model} failed: {Reason}")]
    public static partial void ModelFailed(this ILogger logger, string model, string reason);

    [LoggerMessage(8002, LogLevel.Information, "Extraction dropped {Count} values of model {Model} that the mail does not contain")]
    public static partial void ValuesDropped(this ILogger logger, int count, string model);
}

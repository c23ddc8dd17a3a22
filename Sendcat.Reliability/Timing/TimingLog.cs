using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Timing;

/// <summary>Event ids 2300–2349.</summary>
internal static partial class TimingLog
{
    [LoggerMessage(2301, LogLevel.Error, "{Work} failed unexpectedly, continuing")]
    public static partial void RoundFailed(this ILogger logger, string work, Exception exception);
}

using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Circuits;

/// <summary>Event ids 2400–2499.</summary>
internal static partial class CircuitLog
{
    [LoggerMessage(2401, LogLevel.Warning, "Circuit of {Provider} opened after {Failures} failures, until {Until}")]
    public static partial void CircuitOpened(this ILogger logger, string provider, int failures, DateTimeOffset until);

    [LoggerMessage(2402, LogLevel.Information, "Circuit of {Provider} closed")]
    public static partial void CircuitClosed(this ILogger logger, string provider);

    [LoggerMessage(2403, LogLevel.Warning, "Circuits could not be shared, they go on locally: {Error}")]
    public static partial void SharingFailed(this ILogger logger, string error);
}

using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Circuits;

/// <summary>Event ids 2400–2499.</summary>
internal static partial class CircuitLog
{
    [LoggerMessage(2401, LogLevel.Warning, "Circuit of {Provider} opened after {Failures} failures, until {Until}")]
    public static partial void CircuitOpened(this ILogger logger, string provider, int failures, DateTimeOffset until);

    [LoggerMessage(2402, LogLevel.Information, "Circuit of {Provider} closed")]
    public static partial void CircuitClosed(this ILogger logger, string provider);

    [LoggerMessage(2404, LogLevel.Error, "Provider {Provider} suspended until {Until}: it rejects our account ({Reason})")]
    public static partial void ProviderSuspended(this ILogger logger, string provider, string reason, DateTimeOffset until);

    [LoggerMessage(2405, LogLevel.Warning, "Provider {Provider} still suspended ({Reason}), until {Until}")]
    public static partial void ProviderStillSuspended(this ILogger logger, string provider, string reason, DateTimeOffset until);

    [LoggerMessage(2406, LogLevel.Warning, "Provider {Provider} resumed: it accepts our account again")]
    public static partial void ProviderResumed(this ILogger logger, string provider);

    [LoggerMessage(2407, LogLevel.Warning, "Provider {Provider} isolated by an operator until {Until}")]
    public static partial void ProviderIsolated(this ILogger logger, string provider, DateTimeOffset until);

    [LoggerMessage(2403, LogLevel.Warning, "Circuits not shared, deciding locally: {Error}")]
    public static partial void SharingFailed(this ILogger logger, string error);
}

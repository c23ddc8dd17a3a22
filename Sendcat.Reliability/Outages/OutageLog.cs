using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Outages;

/// <summary>Event ids 2900–2929.</summary>
internal static partial class OutageLog
{
    [LoggerMessage(2900, LogLevel.Warning, "{Store} is unavailable, first for {Work}: {Error}")]
    public static partial void StoreUnavailable(this ILogger logger, string store, string work, string error);

    [LoggerMessage(2901, LogLevel.Information, "{Work} works again after {OutageMs} ms and {Failures} failures")]
    public static partial void WorksAgain(this ILogger logger, string work, int outageMs, int failures);

    [LoggerMessage(2902, LogLevel.Warning, "Write of {Work} failed, repeating: {Error}")]
    public static partial void WriteRepeated(this ILogger logger, string work, string error);
}

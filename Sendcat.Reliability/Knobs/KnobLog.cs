using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Knobs;

/// <summary>Event ids 2100–2199.</summary>
internal static partial class KnobLog
{
    [LoggerMessage(2101, LogLevel.Warning, "Knob {Name} was given as {Value}, which is {Reason}; {UsedDefault} holds instead")]
    public static partial void KnobRejected(this ILogger logger, string name, string value, string reason, string usedDefault);
}

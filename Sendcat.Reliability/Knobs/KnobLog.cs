using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Knobs;

/// <summary>Event ids 2100–2199.</summary>
internal static partial class KnobLog
{
    [LoggerMessage(2101, LogLevel.Warning, "Knob {Name} rejected: {Value} is {Reason}; using {UsedDefault}")]
    public static partial void KnobRejected(this ILogger logger, string name, string value, string reason, string usedDefault);

    [LoggerMessage(2102, LogLevel.Information, "Knob {Name} was set to {Value} by {Actor}")]
    public static partial void KnobSet(this ILogger logger, string name, string value, string actor);

    [LoggerMessage(2103, LogLevel.Information, "Knob overrides changed, {Count} in force")]
    public static partial void OverridesChanged(this ILogger logger, int count);

    [LoggerMessage(2104, LogLevel.Information, "Override of knob {Name} ended by itself")]
    public static partial void OverrideEnded(this ILogger logger, string name);
}

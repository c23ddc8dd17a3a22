namespace Sendcat.Reliability.Knobs;

/// <summary>The source of a knob's value.</summary>
public enum KnobSource
{
    Default,

    /// <summary>The rollout stage or the capacity tier.</summary>
    Preset,

    /// <summary>The environment variable or the configuration section.</summary>
    Configuration,

    /// <summary>Set at run time by an operator.</summary>
    Override,
}

/// <summary>The present value of a knob and its source. Secrets are redacted.</summary>
/// <param name="Override">What an operator set; null when its value does not apply.</param>
/// <param name="Configured">The value that applies without the override.</param>
public sealed record KnobReading(Knob Knob, string Value, KnobSource Source, KnobOverride? Override, string Configured);

/// <summary>A configured value that was rejected.</summary>
/// <param name="Name">The environment variable of the knob.</param>
/// <param name="Value">The rejected value; redacted for a secret.</param>
/// <param name="Reason">Why it was rejected.</param>
/// <param name="UsedDefault">The value in use instead: the value of the preset, otherwise the default.</param>
public sealed record RejectedKnob(string Name, string Value, string Reason, string UsedDefault);

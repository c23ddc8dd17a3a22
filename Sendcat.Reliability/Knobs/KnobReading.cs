namespace Sendcat.Reliability.Knobs;

public enum KnobSource
{
    Default,

    /// <summary>The rollout stage or the capacity tier.</summary>
    Preset,
    Configuration,

    /// <summary>Set at run time by an operator.</summary>
    Override,
}

/// <summary>What a knob is now and who said so. Secrets are redacted.</summary>
public sealed record KnobReading(Knob Knob, string Value, KnobSource Source);

/// <summary>A value that was given but not taken.</summary>
/// <param name="UsedDefault">What holds instead: the preset's value, else the default.</param>
public sealed record RejectedKnob(string Name, string Value, string Reason, string UsedDefault);

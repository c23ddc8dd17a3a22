namespace Sendcat.Reliability.Knobs;

/// <summary>
/// Names the environment variable of a setting (at most 40 characters). Its default is the property's initial value, its range a <c>[Range]</c>,
/// <c>[RegularExpression]</c> or <c>[AllowedValues]</c> beside it, its meaning the property's summary.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class KnobAttribute(string name) : Attribute
{
    public string Name { get; } = name;

    /// <summary>Unit of the value; taken from the name's ending where that tells (<c>_MS</c>, <c>_PCT</c>, <c>_MIN</c>).</summary>
    public string? Unit { get; init; }

    /// <summary>Never shown: every output has <c>***redacted***</c> instead, and no override may carry it.</summary>
    public bool Secret { get; init; }

    /// <summary>
    /// Read from configuration alone, never from an override: changing it would send a secret, a prompt or a reset link to another address, so that who may change knobs could read secrets.
    /// </summary>
    public bool StartUpOnly { get; init; }
}

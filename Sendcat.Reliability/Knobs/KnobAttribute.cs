namespace Sendcat.Reliability.Knobs;

/// <summary>
/// Marks an options property as a knob, and names its environment variable (at most 40 characters). The default is the initial value of the
/// property. The range is a <c>[Range]</c>, <c>[RegularExpression]</c>, <c>[AllowedValues]</c> or <c>[HttpUrl]</c> attribute on the
/// property. The description is the summary of the property.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class KnobAttribute(string name) : Attribute
{
    public string Name { get; } = name;

    /// <summary>
    /// Unit of the value. Null: derived from the end of the name (<c>_MS</c>, <c>_PCT</c>, <c>_MIN</c>, <c>_MINUTES</c>, <c>_PER_SEC</c>),
    /// otherwise no unit.
    /// </summary>
    public string? Unit { get; init; }

    /// <summary>The value is never shown: every output shows <c>***redacted***</c> instead. An override cannot set it.</summary>
    public bool Secret { get; init; }

    /// <summary>
    /// The value is read from the configuration only, and an override cannot set it: only a start uses it, or it names an address to which
    /// secrets, prompts or reset links are sent, so that an operator who could change it could read them.
    /// </summary>
    public bool StartUpOnly { get; init; }

    /// <summary>
    /// The knob is kept so that an old deployment that sets it still starts and is checked; it changes nothing. The summary says what to
    /// use instead, or why nothing is needed.
    /// </summary>
    public bool WithoutEffect { get; init; }

    /// <summary>The flag without which the knob has no effect; null: it always has one.</summary>
    public string? Needs { get; init; }

    /// <summary>
    /// The configuration path below <c>Sendcat</c>, for example <c>ToolJob:RunMaxWeb</c>, for a knob whose path is older than its class.
    /// Null: derived from the class and the property.
    /// </summary>
    public string? Path { get; init; }
}

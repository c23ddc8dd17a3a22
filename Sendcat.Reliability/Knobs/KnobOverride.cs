namespace Sendcat.Reliability.Knobs;

/// <summary>A value that an operator set at run time.</summary>
/// <param name="Name">The environment variable of the knob.</param>
/// <param name="Value">The value as text.</param>
/// <param name="Actor">The operator.</param>
/// <param name="SetAt">When it was set.</param>
public sealed record KnobOverride(string Name, string Value, string Actor, DateTimeOffset SetAt)
{
    /// <summary>When it ends by itself; null: when an operator clears it.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The operators' value that applies after <see cref="Until"/>; null: the configuration applies.</summary>
    public string? Then { get; init; }

    /// <summary>The override in force at a moment; null: the configuration applies.</summary>
    public KnobOverride? At(DateTimeOffset now) =>
        Until is not { } end || end > now ? this
        : Then is null ? null
        : this with { Value = Then, SetAt = end, Until = null, Then = null };
}

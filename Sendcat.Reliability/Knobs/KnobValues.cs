using Microsoft.Extensions.Configuration;

namespace Sendcat.Reliability.Knobs;

/// <summary>
/// Finds the value of a knob: the first of override, environment variable, configuration section, preset and default that has a value. When
/// that value is rejected, the preset or the default applies.
/// </summary>
internal sealed class KnobValues(IConfiguration configuration, KnobOverrides overrides)
{
    public Found Find(Knob knob) => OverrideOf(knob) is { } set ? Parsed(knob, set.Value, KnobSource.Override) : FindConfigured(knob);

    /// <summary>The value that applies without an override of this knob.</summary>
    public Found FindConfigured(Knob knob) =>
        Configured(knob) is { } text ? Parsed(knob, text, KnobSource.Configuration) : Unset(knob, null);

    /// <summary>What an operator set and is in force.</summary>
    public KnobOverride? OverrideOf(Knob knob) => knob.StartUpOnly ? null : overrides.Find(knob.Name);

    public void Fill(object options, IEnumerable<Knob> knobs)
    {
        foreach (var knob in knobs)
        {
            knob.Set(options, Find(knob).Value);
        }
    }

    private Found Unset(Knob knob, (string Text, string Reason)? rejected)
    {
        var preset = Presets.Of(knob.Name, PresetName(RolloutOptions.StageKnob), PresetName(RolloutOptions.TierKnob));
        var found = preset is not null && knob.TryParse(preset, out var value, out _)
            ? new Found(value, KnobSource.Preset, null)
            : new Found(knob.DefaultValue, KnobSource.Default, null);
        return rejected is not { } given
            ? found
            : found with { Rejected = new(knob.Name, knob.Show(given.Text), given.Reason, knob.Show(found.Value)) };
    }

    private Found Parsed(Knob knob, string text, KnobSource source) =>
        knob.TryParse(text, out var value, out var reason) ? new(value, source, null) : Unset(knob, (text, reason));

    private string? Configured(Knob knob) => NonBlank(configuration[knob.Name]) ?? NonBlank(configuration[knob.ConfigurationPath]);

    /// <summary>The name of the rollout stage or capacity tier. Both are knobs too; an invalid name counts as none.</summary>
    private string? PresetName(Knob knob) =>
        (OverrideOf(knob)?.Value ?? Configured(knob)) is { } text && knob.TryParse(text, out var value, out _) ? (string?)value : null;

    private static string? NonBlank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    internal readonly record struct Found(object? Value, KnobSource Source, RejectedKnob? Rejected);
}

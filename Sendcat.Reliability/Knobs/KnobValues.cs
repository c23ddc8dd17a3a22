using Microsoft.Extensions.Configuration;

namespace Sendcat.Reliability.Knobs;

/// <summary>
/// Finds the value of a knob: the first of override, environment variable, configuration section, preset and default that has a value. When
/// that value is rejected, the preset or the default applies.
/// </summary>
internal sealed class KnobValues(IConfiguration configuration, KnobOverrides overrides)
{
    public Found Find(Knob knob)
    {
        var (text, source) = RawValue(knob);
        if (text is null)
        {
            return Unset(knob, null);
        }

        return knob.TryParse(text, out var value, out var reason) ? new(value, source, null) : Unset(knob, (text, reason));
    }

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

    private (string? Text, KnobSource Source) RawValue(Knob knob) =>
        !knob.StartUpOnly && overrides.Find(knob.Name) is { } set ? (set, KnobSource.Override)
        : NonBlank(configuration[knob.Name]) is { } named ? (named, KnobSource.Configuration)
        : NonBlank(configuration[knob.ConfigurationPath]) is { } sectioned ? (sectioned, KnobSource.Configuration)
        : (null, KnobSource.Default);

    /// <summary>The name of the rollout stage or capacity tier. Both are knobs too; an invalid name counts as none.</summary>
    private string? PresetName(Knob knob) => RawValue(knob).Text is { } text && knob.TryParse(text, out var value, out _) ? (string?)value : null;

    private static string? NonBlank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    internal readonly record struct Found(object? Value, KnobSource Source, RejectedKnob? Rejected);
}

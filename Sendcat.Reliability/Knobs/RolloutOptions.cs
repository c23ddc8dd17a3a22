using System.ComponentModel.DataAnnotations;

namespace Sendcat.Reliability.Knobs;

/// <summary>How far the guards are rolled out, and how much load the deployment is made for.</summary>
public sealed class RolloutOptions
{
    internal static readonly Knob StageKnob = Knob.Of(typeof(RolloutOptions)).Single(knob => knob.Property == nameof(Stage));
    internal static readonly Knob TierKnob = Knob.Of(typeof(RolloutOptions)).Single(knob => knob.Property == nameof(CapacityTier));

    /// <summary>Presets the flags alone; each flag that is given itself wins. Empty: the flags' own defaults.</summary>
    [Knob("SENDCAT_ROLLOUT_STAGE"), AllowedValues("", "dev-shadow", "dev-enforce", "canary", "production")]
    public string Stage { get; set; } = "";

    /// <summary>Presets the caps alone: L for 1 000, G for 5 000, X for 20 000 streams at once, each with head-room.</summary>
    [Knob("SENDCAT_CAPACITY_TIER"), AllowedValues("default", "L", "G", "X")]
    public string CapacityTier { get; set; } = "default";

    /// <summary>Refuses to start when a knob's value was not taken.</summary>
    [Knob("SENDCAT_STRICT_CONFIG")]
    public bool StrictConfig { get; set; }
}

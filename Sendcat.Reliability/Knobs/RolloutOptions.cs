using System.ComponentModel.DataAnnotations;

namespace Sendcat.Reliability.Knobs;

/// <summary>The rollout stage of the guards and the capacity tier of the deployment.</summary>
public sealed class RolloutOptions
{
    internal static readonly Knob StageKnob = Knob.Of(typeof(RolloutOptions)).Single(knob => knob.Property == nameof(Stage));
    internal static readonly Knob TierKnob = Knob.Of(typeof(RolloutOptions)).Single(knob => knob.Property == nameof(CapacityTier));

    /// <summary>Presets the flags only; a flag that is set itself has priority. Empty: the flags' own defaults.</summary>
    [Knob("SENDCAT_ROLLOUT_STAGE"), AllowedValues("", "dev-shadow", "dev-enforce", "canary", "production")]
    public string Stage { get; set; } = "";

    /// <summary>Presets the caps only: L for 1 000, G for 5 000, X for 20 000 concurrent streams, each with headroom.</summary>
    [Knob("SENDCAT_CAPACITY_TIER"), AllowedValues("default", "L", "G", "X")]
    public string CapacityTier { get; set; } = "default";

    /// <summary>The host refuses to start when the value of a knob is rejected.</summary>
    [Knob("SENDCAT_STRICT_CONFIG", StartUpOnly = true)]
    public bool StrictConfig { get; set; }
}

using System.Globalization;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Providers;

namespace Sendcat.ApiService.Ops;

/// <summary>Why a change of a knob has no effect, or not yet.</summary>
internal sealed class KnobWarnings(KnobRegistry knobs, ProviderCatalog providers, Circuits circuits)
{
    private const string Open = "open";

    /// <returns>A sentence; null: a change is in force on all replicas within five seconds.</returns>
    public string? Of(Knob knob) =>
        knob.StartUpOnly ? "It is read at start alone: set it in the configuration, and restart"
        : knob.WithoutEffect ? "It has no effect; see its description"
        : OffFlag(knob) ?? OpenCircuit(knob);

    private string? OffFlag(Knob knob) =>
        knob.Needs is { } flag && knobs.Find(flag) is { } needed && knobs.Read(needed) is { Value: "false" }
            ? $"It has no effect while {flag} is off"
            : null;

    private string? OpenCircuit(Knob knob)
    {
        if (providers.OfCooldown(knob) is not { } provider)
        {
            return null;
        }

        var circuit = circuits.States().Single(state => state.Provider == provider.Name);
        if (circuit.State != Open || circuit.CooldownUntil is not { } until)
        {
            return null;
        }

        var end = until.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        return $"The circuit of {provider.Name} is open until {end} UTC and keeps the cooldown it opened with";
    }
}

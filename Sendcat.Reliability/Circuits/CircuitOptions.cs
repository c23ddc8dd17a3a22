using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Circuits;

/// <summary>Settings that all circuit breakers share. Threshold and cooldown are knobs of each provider.</summary>
public sealed class CircuitOptions
{
    /// <summary>Failures older than this no longer count towards a threshold.</summary>
    // A request counts once, after all its attempts. The window must be long enough for as many requests as the threshold, one after the
    // other, each timing out.
    [Knob("CIRCUIT_FAILURE_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int FailureWindowMs { get; set; } = 300_000;

    /// <summary>Timeout of the probe of a half-open circuit. After it, another call may probe.</summary>
    [Knob("CIRCUIT_PROBE_TIMEOUT_MS"), Range(1_000, 600_000)]
    public int ProbeTimeoutMs { get; set; } = 60_000;
}

/// <summary>When a circuit opens, and for how long.</summary>
/// <param name="Threshold">Failures within <paramref name="Window"/> that open the circuit, ≥ 1.</param>
/// <param name="Cooldown">How long the circuit stays open before it lets a probe through.</param>
/// <param name="Window">Age after which a failure no longer counts.</param>
/// <param name="ProbeTimeout">Time after which a probe without a result no longer blocks other probes.</param>
public readonly record struct CircuitPolicy(int Threshold, TimeSpan Cooldown, TimeSpan Window, TimeSpan ProbeTimeout);

using System.Collections.Immutable;

namespace Sendcat.Reliability.Circuits;

public enum CircuitPhase
{
    Closed,
    Open,
    HalfOpen,
}

/// <summary>
/// A circuit as a value; the clock is an argument of every question. Its phase follows from the time alone, so that a reader of an idle provider's circuit sees
/// what the next caller would meet.
/// </summary>
/// <param name="Epoch">Counts openings, closings and probes that said nothing. What was permitted in an earlier epoch has no say any more: stragglers do not prolong a cooldown.</param>
/// <param name="Failures">Times of the failures since the last success, within the window.</param>
/// <param name="OpenUntil">End of the cooldown; null while closed.</param>
/// <param name="ProbeUntil">Somebody is probing, and is given up then.</param>
internal sealed record CircuitState(long Epoch, ImmutableArray<DateTimeOffset> Failures, DateTimeOffset? OpenUntil, DateTimeOffset? ProbeUntil)
{
    public static readonly CircuitState Fresh = new(0, [], null, null);

    /// <summary>Why it is open when that is not for failures; null otherwise.</summary>
    public Suspension? Suspended { get; init; }

    public AccountRefusals Refusals { get; init; }

    public CircuitPhase Phase(DateTimeOffset now) => OpenUntil is not { } until ? CircuitPhase.Closed : now < until ? CircuitPhase.Open : CircuitPhase.HalfOpen;

    public bool IsProbing(DateTimeOffset now) => ProbeUntil is { } until && now < until;

    /// <summary>How long a caller who is not let in should wait: the rest of the cooldown, or a moment while somebody probes.</summary>
    public TimeSpan RetryAfter(DateTimeOffset now) =>
        OpenUntil is { } until && now < until ? until - now
        : ProbeUntil is { } probe && now < probe ? Min(probe - now, TimeSpan.FromSeconds(1))
        : TimeSpan.Zero;

    /// <summary>The one call of a half-open circuit goes out.</summary>
    public CircuitState Probing(CircuitPolicy policy, DateTimeOffset now) => this with { ProbeUntil = now + policy.ProbeTimeout };

    /// <summary>A call came back well. It closes a circuit only if it was the probe; one from before the opening proves nothing.</summary>
    public CircuitState Succeeded(long epoch) =>
        epoch != Epoch ? this
        : OpenUntil is not null ? new(Epoch + 1, [], null, null)
        : Failures.IsEmpty && Refusals.None ? this
        : this with { Failures = [], Refusals = default };

    /// <summary>A call that does not count was served: it proves the key, and nothing else.</summary>
    public CircuitState KeyAccepted(long epoch) => epoch == Epoch && OpenUntil is null && !Refusals.None ? this with { Refusals = Refusals.KeyAccepted() } : this;

    /// <summary>
    /// A call was refused for the sake of our account. Three in a row suspend the provider: it is open with a reason, and each cooldown lets one probe through until one is served. Of a probe of a circuit
    /// that is open for failures it says nothing about those.
    /// </summary>
    /// <param name="configured">The call counts for the circuit.</param>
    public CircuitState AccountRefused(long epoch, Suspension refusal, bool configured, CircuitPolicy policy, DateTimeOffset now)
    {
        if (epoch != Epoch)
        {
            return this;
        }

        var refusals = Refusals.And(refusal, configured);
        return Suspended is not null && configured ? new(Epoch + 1, Failures, now + policy.Cooldown, null) { Suspended = refusal }
            : refusals.Suspends is { } suspended ? new(Epoch + 1, Failures, now + policy.Cooldown, null) { Suspended = suspended }
            : (this with { Refusals = refusals }).Neutral(epoch);
    }

    /// <summary>A call failed. A failed probe opens the circuit at once, otherwise the threshold does.</summary>
    public CircuitState Failed(long epoch, CircuitPolicy policy, DateTimeOffset now)
    {
        if (epoch != Epoch)
        {
            return this;
        }

        ImmutableArray<DateTimeOffset> failures = [.. Failures.Where(at => now - at < policy.Window), now];
        return OpenUntil is not null || failures.Length >= policy.Threshold
            ? new(Epoch + 1, failures, now + policy.Cooldown, null) { Suspended = Suspended }
            : this with { Failures = failures };
    }

    /// <summary>A probe ended without saying anything about the provider: the next one, on any replica, is that of a new epoch.</summary>
    public CircuitState Neutral(long epoch) => epoch == Epoch && ProbeUntil is not null ? this with { Epoch = Epoch + 1, ProbeUntil = null } : this;

    /// <summary>Takes over what another replica says, if that is newer: a later epoch, or the longer cooldown of the same one.</summary>
    public CircuitState Adopt(long epoch, DateTimeOffset? openUntil, Suspension? suspended = null) =>
        epoch > Epoch ? new(epoch, [], openUntil, null) { Suspended = suspended }
        : epoch == Epoch && openUntil is { } until && !(until <= OpenUntil) ? this with { OpenUntil = until, Suspended = suspended }
        : this;

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}

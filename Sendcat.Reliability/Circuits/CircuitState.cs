using System.Collections.Immutable;

namespace Sendcat.Reliability.Circuits;

/// <summary>The phases of a circuit breaker.</summary>
public enum CircuitPhase
{
    /// <summary>Calls are permitted.</summary>
    Closed,

    /// <summary>Calls are refused until the cooldown ends.</summary>
    Open,

    /// <summary>One call, the probe, is permitted.</summary>
    HalfOpen,
}

internal static class CircuitPhases
{
    /// <summary>The name in reports.</summary>
    public static string Name(this CircuitPhase phase) => phase switch
    {
        CircuitPhase.Closed => "closed",
        CircuitPhase.Open => "open",
        CircuitPhase.HalfOpen => "half_open",
        _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, null),
    };
}

/// <summary>
/// The state of a circuit as a value; the clock is an argument. The phase is computed from the time, so a reader of an idle provider's
/// circuit sees the phase that the next caller gets.
/// </summary>
/// <param name="Epoch">
/// Counts openings, closings and probes without a result. The result of a call that was permitted in an earlier epoch is ignored, so late
/// failures do not extend a cooldown.
/// </param>
/// <param name="Failures">Times of the failures since the last success, within the window.</param>
/// <param name="OpenUntil">End of the cooldown; null while closed.</param>
/// <param name="ProbeUntil">A call is the probe until this time; then it no longer blocks other probes.</param>
internal sealed record CircuitState(
    long Epoch, ImmutableArray<DateTimeOffset> Failures, DateTimeOffset? OpenUntil, DateTimeOffset? ProbeUntil)
{
    public static readonly CircuitState Fresh = new(0, [], null, null);

    /// <summary>
    /// Why the circuit is open when the provider rejects our account or an operator isolated it; null when it is closed or open because of
    /// failures.
    /// </summary>
    public Suspension? Suspended { get; init; }

    /// <summary>Rejections of our account in a row, on all replicas as far as this process knows.</summary>
    public AccountRefusals Refusals { get; init; }

    /// <summary>The part of <see cref="Refusals"/> that the other replicas do not know.</summary>
    public RefusalChanges Unshared { get; init; }

    public CircuitPhase Phase(DateTimeOffset now) =>
        OpenUntil is not { } until ? CircuitPhase.Closed
        : now < until ? CircuitPhase.Open
        : CircuitPhase.HalfOpen;

    public bool IsProbing(DateTimeOffset now) => ProbeUntil is { } until && now < until;

    /// <summary>Time until a refused caller may retry: the rest of the cooldown, or at most 1 s while a probe runs.</summary>
    public TimeSpan RetryAfter(DateTimeOffset now) =>
        OpenUntil is { } until && now < until ? until - now
        : ProbeUntil is { } probe && now < probe ? Min(probe - now, TimeSpan.FromSeconds(1))
        : TimeSpan.Zero;

    /// <summary>A call becomes the probe of the half-open circuit.</summary>
    public CircuitState Probing(CircuitPolicy policy, DateTimeOffset now) => this with { ProbeUntil = now + policy.ProbeTimeout };

    /// <summary>
    /// A call succeeded. It resets the failures of a closed circuit. The success of a probe closes an open circuit; a call from before the
    /// opening belongs to an earlier epoch and is ignored.
    /// </summary>
    public CircuitState Succeeded(long epoch) =>
        epoch != Epoch ? this
        : OpenUntil is not null ? new(Epoch + 1, [], null, null)
        : Failures.IsEmpty && Refusals.None ? this
        : this with { Failures = [], Refusals = default, Unshared = Refusals.None ? Unshared : RefusalChanges.AfterSuccess };

    /// <summary>A call that does not count for the circuit was served. This proves that the key is valid, and nothing else.</summary>
    public CircuitState KeyAccepted(long epoch) =>
        epoch == Epoch && OpenUntil is null && Refusals.KeyAccepted() is var kept && kept != Refusals
            ? this with { Refusals = kept, Unshared = Unshared.KeyAccepted() }
            : this;

    /// <summary>
    /// The provider rejected our account. Three rejections in a row suspend the provider: the circuit is open with a reason, and after each
    /// cooldown one probe is permitted until one succeeds. When the call was the probe of a circuit that is open because of failures, a
    /// single rejection counts as neutral.
    /// </summary>
    /// <param name="epoch">Epoch in which the call was permitted.</param>
    /// <param name="refusal">What was rejected.</param>
    /// <param name="configured">Whether the call counts for the circuit.</param>
    /// <param name="policy">Thresholds and times.</param>
    /// <param name="now">The time.</param>
    public CircuitState AccountRefused(long epoch, Suspension refusal, bool configured, CircuitPolicy policy, DateTimeOffset now)
    {
        if (epoch != Epoch)
        {
            return this;
        }

        var refusals = Refusals.Add(refusal, configured);
        return Suspended is Suspension.Key or Suspension.Quota && configured
            ? new(Epoch + 1, Failures, now + policy.Cooldown, null) { Suspended = refusal }
            : refusals.Suspends is { } suspended ? new(Epoch + 1, Failures, now + policy.Cooldown, null) { Suspended = suspended }
            : (this with { Refusals = refusals, Unshared = Unshared.Add(refusal, configured) }).Neutral(epoch);
    }

    /// <summary>What is unshared is being sent to the other replicas.</summary>
    public CircuitState Sharing() => Unshared.None ? this : this with { Unshared = default };

    /// <summary>
    /// Adopts the rejections that all replicas have counted. Three in a row suspend the provider, as in <see cref="AccountRefused"/>; the
    /// replica does it that has added the last one, and the others adopt its state.
    /// </summary>
    /// <param name="epoch">The epoch that was counted for.</param>
    /// <param name="shared">The rejections in that epoch.</param>
    /// <param name="added">This process has just added some of them.</param>
    /// <param name="policy">Thresholds and times.</param>
    /// <param name="now">The time.</param>
    public CircuitState AdoptRefusals(long epoch, AccountRefusals shared, bool added, CircuitPolicy policy, DateTimeOffset now)
    {
        if (epoch != Epoch || Suspended is not null)
        {
            return this;
        }

        var refusals = Unshared.After(shared);
        return added && refusals.Suspends is { } suspended
            ? new(Epoch + 1, Failures, now + policy.Cooldown, null) { Suspended = suspended }
            : refusals == Refusals ? this
            : this with { Refusals = refusals };
    }

    /// <summary>
    /// An operator isolates the provider: the circuit is open until <paramref name="until"/>, then one probe is permitted.
    /// </summary>
    public CircuitState Isolated(DateTimeOffset until) => new(Epoch + 1, Failures, until, null) { Suspended = Suspension.Operator };

    /// <summary>An operator closes the circuit, whatever has opened it.</summary>
    public CircuitState Closed() => OpenUntil is null && Failures.IsEmpty && Refusals.None ? this : new(Epoch + 1, [], null, null);

    /// <summary>A call failed. A failed probe opens the circuit again at once; otherwise the circuit opens at the threshold.</summary>
    public CircuitState Failed(long epoch, CircuitPolicy policy, DateTimeOffset now)
    {
        if (epoch != Epoch)
        {
            return this;
        }

        ImmutableArray<DateTimeOffset> failures = [.. Failures.Where(at => now - at < policy.Window), now];
        return OpenUntil is not null || failures.Length >= policy.Threshold
            ? new(Epoch + 1, failures, now + policy.Cooldown, null) { Suspended = Suspended is Suspension.Operator ? null : Suspended }
            : this with { Failures = failures };
    }

    /// <summary>
    /// A probe ended without a result. A new epoch begins, so that any replica may start the next probe. Rejections are counted for an
    /// epoch, so they are reported once more.
    /// </summary>
    public CircuitState Neutral(long epoch) =>
        epoch == Epoch && ProbeUntil is not null
            ? this with { Epoch = Epoch + 1, ProbeUntil = null, Unshared = new(ResetsKey: false, ResetsQuota: false, Refusals) }
            : this;

    /// <summary>
    /// Adopts the state of another replica if it is newer: a later epoch, or a later end of the cooldown in the same epoch.
    /// </summary>
    public CircuitState Adopt(long epoch, DateTimeOffset? openUntil, Suspension? suspended = null) =>
        epoch > Epoch ? new(epoch, [], openUntil, null) { Suspended = suspended }
        : epoch == Epoch && openUntil is { } until && !(until <= OpenUntil) ? this with { OpenUntil = until, Suspended = suspended }
        : this;

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}

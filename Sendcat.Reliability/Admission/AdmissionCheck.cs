using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>How a turn was admitted, by limit, for operators. The limits are computed when they are read.</summary>
public sealed class AdmissionCheck
{
    private readonly IReadOnlyList<Claim> _deciding;
    private readonly IReadOnlyList<Claim> _shadow;
    private readonly ClaimOutcome _outcome;

    internal AdmissionCheck(AdmissionMode mode, IReadOnlyList<Claim> deciding, IReadOnlyList<Claim> shadow, ClaimOutcome outcome) =>
        (Mode, _deciding, _shadow, _outcome) = (mode, deciding, shadow, outcome);

    /// <summary>The mode in which it was decided.</summary>
    public AdmissionMode Mode { get; }

    /// <summary>True: Redis was unavailable, and this process decided on its own counts alone.</summary>
    public bool IsLocal => _outcome.Local;

    /// <summary>The limits in the order in which they were checked, those of shadow mode last.</summary>
    public IReadOnlyList<CheckedLimit> Limits()
    {
        var count = _deciding.Count + _shadow.Count;
        var limits = new CheckedLimit[_outcome.Local ? _deciding.Count : count];
        for (var n = 0; n < limits.Length; n++)
        {
            var isShadow = n >= _deciding.Count;
            var claim = isShadow ? _shadow[n - _deciding.Count] : _deciding[n];
            var breached = _outcome.Response is { } response ? response[4 + n] != 0 : _outcome.SoftBlocked.Contains(claim.Reason);
            limits[n] = new(
                claim.Reason, _outcome.Response?[4 + count + n], claim is LeaseClaim lease ? lease.Cap : ((WindowClaim)claim).Max,
                !breached ? LimitVerdict.Passed : isShadow && claim.Enforced ? LimitVerdict.WouldBlock : LimitVerdict.Over);
        }

        return limits;
    }
}

/// <summary>One limit that a turn has passed.</summary>
/// <param name="Name">The reason of a refusal by this limit, for instance <c>user_inflight</c>.</param>
/// <param name="Used">
/// Slots or units in use before the turn took its own; null: unknown, because the process decided alone. Below the limit, slots may include
/// some that have expired.
/// </param>
/// <param name="Max">Most slots or units.</param>
public readonly record struct CheckedLimit(string Name, int? Used, int Max, LimitVerdict Verdict);

/// <summary>What a limit said about an admitted turn.</summary>
public enum LimitVerdict
{
    Passed,

    /// <summary>The turn is over the limit, which is not enforced.</summary>
    Over,

    /// <summary>Admission in enforce mode would have refused the turn; it only reports.</summary>
    WouldBlock,
}

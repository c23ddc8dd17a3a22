using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>What admission does with its decisions.</summary>
public enum AdmissionMode
{
    /// <summary>Admission does not count. Only the claims of other guards decide.</summary>
    Disabled,

    /// <summary>Admission counts under separate keys and only reports. Only the claims of other guards decide.</summary>
    Shadow,

    /// <summary>Admission refuses turns beyond its limits.</summary>
    Enforce,
}

/// <summary>The decision of admission. A refusal has changed no count.</summary>
public abstract record AdmissionDecision(AdmissionMode Mode)
{
    /// <summary>The turn may start.</summary>
    /// <param name="Mode">The mode in which it was decided.</param>
    /// <param name="Ticket">The leases of the turn.</param>
    /// <param name="SoftBlocked">Reasons of dimensions that are over their limit but not enforced.</param>
    /// <param name="WouldBlock">Reasons with which enforce mode would have refused (shadow mode only).</param>
    public sealed record Admitted(
        AdmissionMode Mode, AdmissionTicket Ticket, IReadOnlyList<string> SoftBlocked,
        IReadOnlyList<string> WouldBlock) : AdmissionDecision(Mode)
    {
        /// <summary>True: Redis was unavailable, and this process decided on its own counts alone.</summary>
        public bool Local { get; init; }
    }

    /// <summary>The turn may not start.</summary>
    /// <param name="Mode">The mode in which it was decided.</param>
    /// <param name="Reason">
    /// <c>user_inflight</c>, <c>address_inflight</c>, <c>guest_inflight</c>, <c>global_inflight</c>, <c>global_msg_rate</c>,
    /// <c>global_tool_rate</c>, <c>redis_unavailable</c>, or the reason of another guard's claim.
    /// </param>
    /// <param name="RetryAfter">
    /// For admission's own refusals: jittered, 100 ms … 60 s. For a claim of another guard: that guard's estimate; without one, the time of
    /// admission.
    /// </param>
    public sealed record Denied(AdmissionMode Mode, string Reason, TimeSpan RetryAfter) : AdmissionDecision(Mode)
    {
        /// <summary>The claim of another guard that refused; null when admission itself refused.</summary>
        public Claim? By { get; init; }

        /// <summary>True: Redis was unavailable, and this process decided on its own counts alone.</summary>
        public bool Local { get; init; }
    }
}

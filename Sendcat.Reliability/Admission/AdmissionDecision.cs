using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

public enum AdmissionMode
{
    Disabled,
    Shadow,
    Enforce,
}

/// <summary>What admission answered. A refusal has changed nothing.</summary>
public abstract record AdmissionDecision(AdmissionMode Mode)
{
    /// <param name="SoftBlocked">Reasons of dimensions that are over their limit but not enforced.</param>
    /// <param name="WouldBlock">Reasons that enforce mode would have refused with (shadow mode only).</param>
    public sealed record Admitted(AdmissionMode Mode, AdmissionTicket Ticket, IReadOnlyList<string> SoftBlocked, IReadOnlyList<string> WouldBlock) : AdmissionDecision(Mode)
    {
        /// <summary>Redis was away: decided on the limits of this process alone.</summary>
        public bool Local { get; init; }
    }

    /// <param name="Reason"><c>user_inflight</c>, <c>address_inflight</c>, <c>guest_inflight</c>, <c>global_inflight</c>, <c>global_msg_rate</c>, <c>global_tool_rate</c>, the reason of a claim that came along, or <c>redis_unavailable</c>.</param>
    /// <param name="RetryAfter">Admission's own: jittered, 100 ms … 60 s. Of a claim that came along: when that one says that it may fit, else admission's.</param>
    public sealed record Denied(AdmissionMode Mode, string Reason, TimeSpan RetryAfter) : AdmissionDecision(Mode)
    {
        /// <summary>The claim that came along and refused; null when admission itself did.</summary>
        public Claim? By { get; init; }

        /// <summary>Redis was away: decided on the limits of this process alone.</summary>
        public bool Local { get; init; }
    }
}

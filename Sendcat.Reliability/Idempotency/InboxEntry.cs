using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.Reliability.Idempotency;

/// <summary>Something that was delivered, with the job that processes it.</summary>
/// <param name="Scope">The kind of deliveries.</param>
/// <param name="Key">What the sender repeats when it delivers the same thing again.</param>
/// <param name="Job">The job. Its principal and arguments contain no U+0000.</param>
public sealed record InboxEntry(InboxScope Scope, string Key, JobEntry Job)
{
    /// <summary>
    /// True: no job is added while another one of the same lane and principal is queued, because that one will find this delivery too, also
    /// when it runs again. One that was postponed becomes due. A running job does not count.
    /// </summary>
    public bool Coalesces { get; init; }
}

/// <summary>What became of an entry. It is committed.</summary>
/// <param name="Outcome">Whether the key was new.</param>
/// <param name="Hits">Deliveries of the key so far, this one included.</param>
/// <param name="FirstSeenAt">Time of the first of them.</param>
public readonly record struct InboxReceipt(InboxOutcome Outcome, int Hits, DateTimeOffset FirstSeenAt)
{
    /// <summary>The delivery changed nothing.</summary>
    public bool IsReplay => Outcome is InboxOutcome.Replayed;
}

public enum InboxOutcome
{
    /// <summary>The key was new: its job is queued.</summary>
    Claimed,

    /// <summary>The key was known, and its job had failed: it is queued again.</summary>
    Retried,

    /// <summary>The key was known: nothing was changed but its counter.</summary>
    Replayed,
}

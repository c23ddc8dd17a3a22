namespace Sendcat.KillRig.Faults;

internal enum Victim
{
    Worker,
    Submitter,
    Api,
    Broker,
    Redis,
    Record,
}

internal enum Harm
{
    /// <summary>kill -9, and started again after a while.</summary>
    Killed,

    /// <summary>SIGSTOP for a while, then SIGCONT.</summary>
    Stopped,

    /// <summary>An orderly stop, and started again.</summary>
    Restarted,

    /// <summary>All queues of the broker are deleted.</summary>
    Emptied,

    /// <summary>Killed by the job that it worked on.</summary>
    Poisoned,
}

/// <param name="Index">Which worker, submitter or replica of the API; 0 for stores.</param>
/// <param name="Gap">Peace before it.</param>
/// <param name="Hold">How long the victim stays killed or stopped.</param>
/// <param name="Overlaps">The next fault does not wait for the end of this one.</param>
/// <param name="Watched">Peace after it, until the victim's jobs must have been rescued.</param>
/// <param name="AtWork">Waits for a moment in which the victim works. All others come at any moment, as faults do.</param>
internal sealed record Fault(Victim Victim, int Index, Harm Harm, TimeSpan Gap, TimeSpan Hold, bool Overlaps, bool Watched, bool AtWork = false);

/// <summary>A fault that took place.</summary>
/// <param name="ProcessId">Of the victim, when it was struck.</param>
/// <param name="Until">When it was started again or went on.</param>
internal sealed record Happening(Victim Victim, int Index, Harm Harm, int ProcessId, DateTimeOffset From, DateTimeOffset Until, bool Watched)
{
    public bool Touches(DateTimeOffset from, DateTimeOffset until) => From <= until && Until >= from;
}

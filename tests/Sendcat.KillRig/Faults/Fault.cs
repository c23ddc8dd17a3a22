namespace Sendcat.KillRig.Faults;

/// <summary>The kind of process or store into which a fault is injected. It is part of the JSON report as a number.</summary>
internal enum Victim
{
    Worker,
    Submitter,
    Api,
    Broker,
    Redis,
    Postgres,
}

/// <summary>The kind of a fault. It is part of the JSON report as a number.</summary>
internal enum Harm
{
    /// <summary>SIGKILL, and a start after the duration <see cref="Fault.Hold"/>.</summary>
    Killed,

    /// <summary>SIGSTOP for the duration <see cref="Fault.Hold"/>, then SIGCONT.</summary>
    Paused,

    /// <summary>A graceful stop and a start.</summary>
    Restarted,

    /// <summary>All queues of the broker are deleted.</summary>
    QueuesDeleted,

    /// <summary>The worker is killed because it runs a poisonous job, and is started again.</summary>
    Poisoned,
}

/// <summary>A planned fault.</summary>
/// <param name="Victim">The kind of the victim.</param>
/// <param name="Index">The index of the worker, submitter or replica of the API; 0 for stores.</param>
/// <param name="Harm">What happens to the victim.</param>
/// <param name="Gap">The delay before the fault.</param>
/// <param name="Hold">How long the victim stays killed or paused.</param>
/// <param name="Overlaps">The next fault does not wait for the end of this one.</param>
/// <param name="Watched">No other fault follows until the jobs of the victim must have run again.</param>
/// <param name="WhileBusy">The fault waits until the victim runs a job. All other faults come at any time.</param>
internal sealed record Fault(
    Victim Victim, int Index, Harm Harm, TimeSpan Gap, TimeSpan Hold, bool Overlaps, bool Watched, bool WhileBusy = false);

/// <summary>A fault that was injected. It is part of the JSON report.</summary>
/// <param name="Victim">The kind of the victim.</param>
/// <param name="Index">The index of the victim.</param>
/// <param name="Harm">What happened to the victim.</param>
/// <param name="ProcessId">The process id of the victim at the time of the fault; 0 when it was not running.</param>
/// <param name="From">When the fault began.</param>
/// <param name="Until">When the victim was started again or continued.</param>
/// <param name="Watched">No other fault was planned until the jobs of the victim must have run again.</param>
internal sealed record InjectedFault(
    Victim Victim, int Index, Harm Harm, int ProcessId, DateTimeOffset From, DateTimeOffset Until, bool Watched)
{
    /// <summary>Whether the fault was active at any time of the given span.</summary>
    public bool IsActiveBetween(DateTimeOffset from, DateTimeOffset until) => From <= until && Until >= from;
}

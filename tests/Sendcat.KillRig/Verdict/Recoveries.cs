using System.Globalization;
using Sendcat.KillRig.Faults;
using Sendcat.KillRig.Rig;

namespace Sendcat.KillRig.Verdict;

/// <summary>
/// A job of a killed worker that was leased again. A kill counts only when no other fault was active until the job had to run again.
/// </summary>
/// <param name="Job">The job.</param>
/// <param name="Tool">Its lane.</param>
/// <param name="ProcessId">The killed worker process.</param>
/// <param name="After">The time from the kill to the next lease; <see cref="TimeSpan.MaxValue"/> when there was none.</param>
/// <param name="Due">The time from the kill until the job was due again; null: its lease expired, and it was not queued again.</param>
/// <param name="Stalled">
/// The part of <paramref name="After"/> in which the machine did not run a thread of the rig that was ready. It explains the time, and no
/// condition subtracts it.
/// </param>
internal sealed record Recovery(Guid Job, string Tool, int ProcessId, TimeSpan After, TimeSpan? Due, TimeSpan Stalled)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Job} of {Tool}, process {ProcessId}: due again after {Due?.TotalSeconds:0.00} s, "
        + $"leased after {(After == TimeSpan.MaxValue ? double.PositiveInfinity : After.TotalSeconds):0.00} s, "
        + $"the rig stalled for {Stalled.TotalSeconds:0.00} s");
}

internal static class Recoveries
{
    public static IReadOnlyList<Recovery> In(Evidence evidence, RigOptions options) => In(
        evidence.InjectedFaults, evidence.JobLeases, evidence.Requeues, evidence.Ends, evidence.Stalls, options);

    public static IReadOnlyList<Recovery> In(
        IReadOnlyList<InjectedFault> injectedFaults, IReadOnlyList<JobLeaseRow> allLeases, IReadOnlyList<RequeueRow> requeues,
        IReadOnlyList<EndRow> allEnds, IReadOnlyList<Stall> stalls, RigOptions options)
    {
        var due = options.Lease + options.RescueSlack;
        var leases = allLeases.ToLookup(lease => lease.Job);
        var ends = allEnds.ToLookup(end => end.Job);
        return
        [
            .. from kill in injectedFaults
               where kill is { Victim: Victim.Worker, Harm: Harm.Killed or Harm.Poisoned }
               where !injectedFaults.Any(
                   other => other != kill && other.Victim is not Victim.Submitter && other.IsActiveBetween(kill.From, kill.From + due))
               from lease in allLeases
               where lease.Owner == kill.ProcessId && lease.At <= kill.From && lease.At >= kill.From - due
               where ends[lease.Job].All(end => end.Token != lease.Token)
               let next = leases[lease.Job].Where(later => later.Token > lease.Token).Select(later => (DateTimeOffset?)later.At).Min()
               where next is null || next > kill.From
               // A job that was cancelled in the meantime does not have to run again.
               where next is not null || ends[lease.Job].All(end => end.Status != "cancelled")
               let dueAgain = requeues.FirstOrDefault(requeue => requeue.Job == lease.Job && requeue.Token == lease.Token)?.Due
               select new Recovery(
                   lease.Job, lease.Tool, kill.ProcessId, next is { } at ? at - kill.From : TimeSpan.MaxValue, dueAgain - kill.From,
                   Stall.Within(stalls, kill.From, next ?? DateTimeOffset.MaxValue)),
        ];
    }
}

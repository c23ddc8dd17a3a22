using Sendcat.KillRig.Faults;
using Sendcat.KillRig.Rig;

namespace Sendcat.KillRig.Verdict;

/// <summary>
/// A job of a killed worker that was leased again. A kill counts only when no other fault was active until the job had to run again.
/// </summary>
/// <param name="Job">The job.</param>
/// <param name="ProcessId">The killed worker process.</param>
/// <param name="After">The time from the kill to the next lease; <see cref="TimeSpan.MaxValue"/> when there was none.</param>
internal sealed record Rescue(Guid Job, int ProcessId, TimeSpan After)
{
    public override string ToString() => $"{Job} of process {ProcessId} after {After.TotalSeconds:0.00} s";
}

internal static class Rescues
{
    public static IReadOnlyList<Rescue> In(Evidence evidence, RigOptions options) => In(evidence.Happenings, evidence.Claims, evidence.Ends, options);

    public static IReadOnlyList<Rescue> In(IReadOnlyList<Happening> happenings, IReadOnlyList<ClaimRow> allClaims, IReadOnlyList<EndRow> allEnds, RigOptions options)
    {
        var due = options.Lease + options.RescueSlack;
        var claims = allClaims.ToLookup(claim => claim.Job);
        var ends = allEnds.ToLookup(end => end.Job);
        return
        [
            .. from kill in happenings
               where kill is { Victim: Victim.Worker, Harm: Harm.Killed or Harm.Poisoned }
               where !happenings.Any(other => other != kill && other.Victim is not Victim.Submitter && other.Touches(kill.From, kill.From + due))
               from claim in allClaims
               where claim.Owner == kill.ProcessId && claim.At <= kill.From && claim.At >= kill.From - due
               where ends[claim.Job].All(end => end.Token != claim.Token)
               let next = claims[claim.Job].Where(later => later.Token > claim.Token).Select(later => (DateTimeOffset?)later.At).Min()
               where next is null || next > kill.From
               // A job that was cancelled in the meantime does not have to run again.
               where next is not null || ends[claim.Job].All(end => end.Status != "cancelled")
               select new Rescue(claim.Job, kill.ProcessId, next is { } at ? at - kill.From : TimeSpan.MaxValue),
        ];
    }
}

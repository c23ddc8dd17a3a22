using System.Globalization;
using Sendcat.KillRig.Faults;
using Sendcat.KillRig.Ledger;
using Sendcat.KillRig.Rig;

namespace Sendcat.KillRig.Verdict;

/// <summary>Checks the conditions against the evidence. When sources differ, the ledgers outside of the system are authoritative.</summary>
internal static class Judgement
{
    /// <summary>A shorter run has too few executions for a meaningful share.</summary>
    private static readonly TimeSpan LongEnoughForShares = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(1);

    public static IReadOnlyList<Check> Of(Evidence evidence, RigOptions options)
    {
        var jobs = evidence.Jobs.ToDictionary(job => job.Id);
        var duplicates = Duplicates.In(evidence);
        var rescues = Rescues.In(evidence, options);
        return
        [
            Check.None("lost: accepted, but not on record", evidence.Turns.Values.Where(turn => turn.Job is { } job && !jobs.ContainsKey(job))),
            Check.None("stuck: still waiting or running", evidence.Jobs.Where(job => job.Status is "queued" or "running")),
            Check.None("results committed twice or changed", Twice(evidence.Ends)),
            Check.None("results committed by who no longer had the job", Unfenced(evidence)),
            Check.None("results committed by a worker that woke after its lease", Late(evidence, options)),
            Check.None("results that no execution explains", WithoutExecution(evidence, jobs)),
            Check.None("turns told something else than what is on record", WrongOutcomes(evidence, jobs)),
            Check.None("jobs that should have been done and ended otherwise", Undone(evidence, options)),
            Check.None("poisonous jobs that are no dead letters", evidence.Jobs.Where(job => Question.FateOf(job.Nonce) is Fate.Poison && job is not { Status: "dead_letter", DeadReason: "lease_expired" })),
            Check.None("executions again that no fault explains", duplicates.Unexplained),
            Share(duplicates, options),
            Check.None($"dead workers' jobs not run again within {(options.Lease + options.RescueSlack).TotalSeconds:0} s", rescues.Where(rescue => rescue.After > options.Lease + options.RescueSlack)),
            Left("messages of chat turns left streaming", evidence.Remains.Messages),
            Left("stream sessions left streaming", evidence.Remains.Sessions),
            Left("leases left", evidence.Remains.Leases),
            Check.None("programs that ended by themselves", evidence.Deaths),
        ];
    }

    /// <returns>Why the run has too few events for a verdict; null when it has enough.</returns>
    public static string? TooLittle(Evidence evidence, RigOptions options) =>
        evidence.Turns.Values.Count(turn => turn.Job is not null) < 100 ? "hardly any job was accepted"
        : FaultPlan.Essential.Any(essential => evidence.Happenings.All(it => (it.Victim, it.Harm) != essential)) ? "not every kind of fault took place"
        : Rescues.In(evidence, options).Count == 0 ? "no killed worker had a job"
        : evidence.ChatEnds.GetValueOrDefault("done") < 10 ? "hardly any chat turn came to its end"
        : evidence.Jobs.All(job => Question.FateOf(job.Nonce) is not Fate.Poison) ? "no poisonous job was accepted"
        : null;

    private static Check Left(string name, long count) => new(name, count.ToString(CultureInfo.InvariantCulture), "0", count == 0, []);

    private static Check Share(Duplicates duplicates, RigOptions options)
    {
        var share = duplicates.Share.ToString("P3", CultureInfo.InvariantCulture);
        return options.Length >= LongEnoughForShares
            ? new("executions again, of all executions", share, "0.1 %", duplicates.Share <= 0.001, [])
            : new("executions again, of all executions", share, "– (run too short for shares)", true, []);
    }

    private static IEnumerable<EndRow> Twice(IReadOnlyList<EndRow> ends) =>
        ends.Where(end => end.Was == "completed")
            .Concat(ends.Where(end => end is { Status: "completed", Was: not "completed" }).GroupBy(end => end.Job).Where(job => job.Count() > 1).SelectMany(job => job));

    /// <summary>Completions that do not have the newest fencing token at their time.</summary>
    private static IEnumerable<EndRow> Unfenced(Evidence evidence)
    {
        var claims = evidence.Claims.ToLookup(claim => claim.Job);
        return evidence.Ends.Where(end => end.Status == "completed" && claims[end.Job].Where(claim => claim.At <= end.At).MaxBy(claim => claim.Token) is var newest
            && (newest is null || newest.Token != end.Token || newest.Owner != end.Owner));
    }

    /// <summary>Results of a stopped worker after its leases expired. It renews no lease while it is stopped, so they expire one lease after the stop.</summary>
    private static IEnumerable<string> Late(Evidence evidence, RigOptions options)
    {
        var claims = evidence.Claims.ToLookup(claim => claim.Job);
        return
            from stop in evidence.Happenings
            where stop is { Victim: Victim.Worker, Harm: Harm.Stopped }
            from end in evidence.Ends
            where end.Owner == stop.ProcessId && end.Status is "completed" or "failed" && end.At > stop.From + options.Lease
            from claim in claims[end.Job]
            where claim.Token == end.Token && claim.Owner == stop.ProcessId && claim.At < stop.From
            select $"{end} claimed {claim.At:O}, stopped {stop.From:O}";
    }

    /// <summary>Results without an execution: neither of the job itself, nor of a job with the same request whose result was cached.</summary>
    private static IEnumerable<EndRow> WithoutExecution(Evidence evidence, Dictionary<Guid, JobRow> jobs)
    {
        var known = evidence.Executions.Where(execution => execution.Status == 200).ToDictionary(execution => $"{execution.Number}", execution => execution.Nonce);
        var slots = evidence.Jobs.Where(job => job.Slot.Length > 0).ToDictionary(job => job.Nonce, job => job.Slot, StringComparer.Ordinal);
        return evidence.Ends.Where(end => end.Status == "completed"
            && (known.GetValueOrDefault(end.Execution) is not { } asked || (asked != jobs[end.Job].Nonce && (jobs[end.Job].Slot.Length == 0 || slots.GetValueOrDefault(asked) != jobs[end.Job].Slot))));
    }

    private static IEnumerable<string> WrongOutcomes(Evidence evidence, Dictionary<Guid, JobRow> jobs)
    {
        var results = evidence.Ends.Where(end => end.Status == "completed").DistinctBy(end => end.Job).ToDictionary(end => end.Job, end => end.Execution);
        return
            from turn in evidence.Turns.Values
            let job = turn.Job is { } id ? jobs.GetValueOrDefault(id) : null
            let true_ = turn.Outcome switch
            {
                "completed" => job?.Status == "completed" && results.GetValueOrDefault(job.Id) == turn.About,
                "dead_letter" => job?.Status == "dead_letter",
                "failed" => job?.Status == "failed",
                "timed_out" => job is not null,
                _ => true,
            }
            where !true_
            select $"{turn} but {job}";
    }

    private static IEnumerable<JobRow> Undone(Evidence evidence, RigOptions options)
    {
        var claims = evidence.Claims.ToLookup(claim => claim.Job);
        return evidence.Jobs.Where(job => job.Status is not ("queued" or "running") && Question.FateOf(job.Nonce) switch
        {
            Fate.Normal or Fate.Flaky => job.Status != "completed",
            Fate.Refused => job.Status != "failed",
            Fate.GivenUp => job.Status is not ("completed" or "cancelled"),
            _ => false,
        } && !StruckEachTime(job, claims[job.Id], evidence.Happenings, options));
    }

    /// <summary>
    /// Whether the job is a dead letter and a fault of its worker or of Postgres interrupted every attempt. The upstream fails one attempt of a flaky job,
    /// so for a flaky job one attempt may be uninterrupted.
    /// </summary>
    private static bool StruckEachTime(JobRow job, IEnumerable<ClaimRow> claims, IReadOnlyList<Happening> happenings, RigOptions options) =>
        job.Status == "dead_letter"
        && claims.Count(claim => !happenings.Any(it =>
            (it.Victim is Victim.Record || (it.Victim is Victim.Worker && it.ProcessId == claim.Owner)) && it.Touches(claim.At - Tolerance, claim.At + options.Lease + Tolerance)))
        <= (Question.FateOf(job.Nonce) is Fate.Flaky ? 1 : 0);
}

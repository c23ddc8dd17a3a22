using System.Globalization;
using Sendcat.KillRig.Faults;
using Sendcat.KillRig.Ledger;
using Sendcat.KillRig.Rig;

namespace Sendcat.KillRig.Verdict;

/// <summary>Checks the conditions against the evidence. When sources differ, the ledgers outside of the system are authoritative.</summary>
internal static class Conditions
{
    /// <summary>A shorter run has too few executions for a meaningful share.</summary>
    private static readonly TimeSpan MinLengthForShares = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(1);

    public static IReadOnlyList<Check> Evaluate(Evidence evidence, RigOptions options)
    {
        var jobs = evidence.Jobs.ToDictionary(job => job.Id);
        var duplicates = Duplicates.In(evidence);
        var recoveries = Recoveries.In(evidence, options);
        return
        [
            Check.None(
                "lost: accepted, but not in Postgres", evidence.Turns.Values.Where(turn => turn.Job is { } job && !jobs.ContainsKey(job))),
            Check.None("stuck: still waiting or running", evidence.Jobs.Where(job => job.Status is "queued" or "running")),
            Check.None("results committed twice or changed", ChangedOrRepeated(evidence.Ends)),
            Check.None("results committed by a worker that no longer had the lease", WithStaleToken(evidence)),
            Check.None("results committed by a paused worker after its lease", CompletedAfterLease(evidence, options)),
            Check.None("results without an execution", WithoutExecution(evidence, jobs)),
            Check.None("turns with an outcome that differs from Postgres", WrongOutcomes(evidence, jobs)),
            Check.None("jobs with another end than intended", WithUnexpectedEnd(evidence, options)),
            Check.None(
                "poisonous jobs that are not dead letters",
                evidence.Jobs.Where(
                    job => RigNonce.IntentOf(job.Nonce) is Intent.Poison
                        && job is not { Status: "dead_letter", DeadLetterReason: "lease_expired" })),
            Check.None("repeated executions that no fault explains", duplicates.Unexplained),
            ShareOf(duplicates, options),
            Check.None(
                $"jobs of dead workers not run again within {(options.Lease + options.RescueSlack).TotalSeconds:0} s",
                recoveries.Where(recovery => recovery.After > options.Lease + options.RescueSlack)),
            Check.None("acknowledged WhatsApp messages without their effect", evidence.Messages.Lost),
            Check.None("WhatsApp messages whose effect happened twice", evidence.Messages.Repeated),
            Check.None("jobs of WhatsApp messages that did not complete", evidence.Messages.Incomplete),
            Check.None("mails with an acknowledged notification without their effect", evidence.Mails.Lost),
            Check.None("mails whose effect happened twice", evidence.Mails.Repeated),
            Check.None("jobs of mailboxes that did not complete", evidence.Mails.Incomplete),
            CountIsZero("deliveries after an acknowledgement that were not recognized", evidence.Messages.UnrecognizedReplays),
            CountIsZero("messages of chat turns left streaming", evidence.Leftovers.Messages),
            CountIsZero("stream sessions left streaming", evidence.Leftovers.Sessions),
            CountIsZero("leases left", evidence.Leftovers.Leases),
            Check.None("unexpected exits of programs", evidence.UnexpectedExits),
        ];
    }

    /// <returns>Why the run has too few events for a verdict; null when it has enough.</returns>
    public static string? UndecidedReason(Evidence evidence, RigOptions options) =>
        evidence.Turns.Values.Count(turn => turn.Job is not null) < 100 ? "fewer than 100 jobs were accepted"
        : FaultPlan.Essential.Any(essential => evidence.InjectedFaults.All(it => (it.Victim, it.Harm) != essential))
            ? "not every kind of fault was injected"
        : Recoveries.In(evidence, options).Count == 0 ? "no killed worker had a job"
        : evidence.ChatEnds.GetValueOrDefault("done") < 10 ? "fewer than 10 chat turns ended normally"
        : evidence.Messages.Acknowledged < 20 ? "fewer than 20 WhatsApp messages were acknowledged"
        : evidence.Mails.Acknowledged < 20 ? "fewer than 20 notifications about mails were acknowledged"
        : evidence.Jobs.All(job => RigNonce.IntentOf(job.Nonce) is not Intent.Poison) ? "no poisonous job was accepted"
        : null;

    private static Check CountIsZero(string name, long count) =>
        new(name, count.ToString(CultureInfo.InvariantCulture), "0", count == 0, []);

    private static Check ShareOf(Duplicates duplicates, RigOptions options)
    {
        var share = duplicates.Share.ToString("P3", CultureInfo.InvariantCulture);
        return options.Length >= MinLengthForShares
            ? new("share of repeated executions", share, "0.1 %", duplicates.Share <= 0.001, [])
            : new("share of repeated executions", share, "– (run too short for a share)", true, []);
    }

    private static IEnumerable<EndRow> ChangedOrRepeated(IReadOnlyList<EndRow> ends) =>
        ends.Where(end => end.PreviousStatus == "completed")
            .Concat(
                ends.Where(end => end is { Status: "completed", PreviousStatus: not "completed" })
                    .GroupBy(end => end.Job)
                    .Where(job => job.Count() > 1)
                    .SelectMany(job => job));

    /// <summary>Completions that do not have the newest fencing token at their time.</summary>
    private static IEnumerable<EndRow> WithStaleToken(Evidence evidence)
    {
        var leases = evidence.JobLeases.ToLookup(lease => lease.Job);
        return evidence.Ends.Where(end => end.Status == "completed"
            && leases[end.Job].Where(lease => lease.At <= end.At).MaxBy(lease => lease.Token) is var newest
            && (newest is null || newest.Token != end.Token || newest.Owner != end.Owner));
    }

    /// <summary>
    /// Results of a paused worker after its leases expired. It renews no lease while it is paused, so they expire one lease duration after
    /// the pause began.
    /// </summary>
    private static IEnumerable<string> CompletedAfterLease(Evidence evidence, RigOptions options)
    {
        var leases = evidence.JobLeases.ToLookup(lease => lease.Job);
        return
            from pause in evidence.InjectedFaults
            where pause is { Victim: Victim.Worker, Harm: Harm.Paused }
            from end in evidence.Ends
            where end.Owner == pause.ProcessId && end.Status is "completed" or "failed" && end.At > pause.From + options.Lease
            from lease in leases[end.Job]
            where lease.Token == end.Token && lease.Owner == pause.ProcessId && lease.At < pause.From
            select $"{end} leased {lease.At:O}, paused {pause.From:O}";
    }

    /// <summary>
    /// Results without an execution: neither of the job itself, nor of a job with the same request whose result was cached.
    /// </summary>
    private static IEnumerable<EndRow> WithoutExecution(Evidence evidence, Dictionary<Guid, JobRow> jobs)
    {
        var nonces = evidence.Executions.Where(execution => execution.Status == 200).ToDictionary(
            execution => $"{execution.Number}", execution => execution.Nonce);
        var cacheKeys = evidence.Jobs.Where(job => job.CacheKey.Length > 0).ToDictionary(
            job => job.Nonce, job => job.CacheKey, StringComparer.Ordinal);
        return evidence.Ends.Where(end => end.Status == "completed" && jobs.ContainsKey(end.Job)
            && (nonces.GetValueOrDefault(end.Execution) is not { } nonce
                || (nonce != jobs[end.Job].Nonce
                    && (jobs[end.Job].CacheKey.Length == 0 || cacheKeys.GetValueOrDefault(nonce) != jobs[end.Job].CacheKey))));
    }

    private static IEnumerable<string> WrongOutcomes(Evidence evidence, Dictionary<Guid, JobRow> jobs)
    {
        var results = evidence.Ends.Where(end => end.Status == "completed")
            .DistinctBy(end => end.Job)
            .ToDictionary(end => end.Job, end => end.Execution);
        return
            from turn in evidence.Turns.Values
            let job = turn.Job is { } id ? jobs.GetValueOrDefault(id) : null
            let isCorrect = turn.Outcome switch
            {
                "completed" => job?.Status == "completed" && results.GetValueOrDefault(job.Id) == turn.About,
                "dead_letter" => job?.Status == "dead_letter",
                "failed" => job?.Status == "failed",
                "timed_out" => job is not null,
                _ => true,
            }
            where !isCorrect
            select $"{turn} but {job}";
    }

    private static IEnumerable<JobRow> WithUnexpectedEnd(Evidence evidence, RigOptions options)
    {
        var leases = evidence.JobLeases.ToLookup(lease => lease.Job);
        return evidence.Jobs.Where(job => job.Status is not ("queued" or "running") && RigNonce.IntentOf(job.Nonce) switch
        {
            Intent.Normal or Intent.Flaky => job.Status != "completed",
            Intent.Refused => job.Status != "failed",
            Intent.Cancellable => job.Status is not ("completed" or "cancelled"),
            _ => false,
        } && !IsEveryAttemptInterrupted(job, leases[job.Id], evidence.InjectedFaults, options));
    }

    /// <summary>
    /// Whether the job is a dead letter and a fault of its worker or of Postgres interrupted every attempt. The upstream fails one attempt
    /// of a flaky job, so for a flaky job one attempt may be uninterrupted.
    /// </summary>
    private static bool IsEveryAttemptInterrupted(
        JobRow job, IEnumerable<JobLeaseRow> leases, IReadOnlyList<InjectedFault> injectedFaults, RigOptions options) =>
        job.Status == "dead_letter"
        && leases.Count(lease => !injectedFaults.Any(it =>
            (it.Victim is Victim.Postgres || (it.Victim is Victim.Worker && it.ProcessId == lease.Owner))
                && it.IsActiveBetween(lease.At - Tolerance, lease.At + options.Lease + Tolerance)))
        <= (RigNonce.IntentOf(job.Nonce) is Intent.Flaky ? 1 : 0);
}

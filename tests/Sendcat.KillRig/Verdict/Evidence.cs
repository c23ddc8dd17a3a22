using System.Globalization;
using Sendcat.KillRig.Chatting;
using Sendcat.KillRig.Delivering;
using Sendcat.KillRig.Faults;
using Sendcat.KillRig.Ledger;
using Sendcat.KillRig.Rig;

namespace Sendcat.KillRig.Verdict;

/// <summary>
/// All data of a run. The first two properties come from ledgers outside of the system, the next four from Postgres, the others from the
/// rig itself.
/// </summary>
internal sealed record Evidence
{
    public required IReadOnlyDictionary<string, TurnRecord> Turns { get; init; }

    public required IReadOnlyList<ExecutionRecord> Executions { get; init; }

    public required IReadOnlyList<JobRow> Jobs { get; init; }

    public required IReadOnlyList<JobLeaseRow> JobLeases { get; init; }

    public required IReadOnlyList<RequeueRow> Requeues { get; init; }

    public required IReadOnlyList<EndRow> Ends { get; init; }

    public required IReadOnlyList<InjectedFault> InjectedFaults { get; init; }

    public required IReadOnlyList<Stall> Stalls { get; init; }

    public required IReadOnlyList<string> UnexpectedExits { get; init; }

    /// <summary>The number of chat turns by their end as the reader saw it.</summary>
    public required IReadOnlyDictionary<string, int> ChatEnds { get; init; }

    public required TurnLeftovers Leftovers { get; init; }

    public required MessageEffects Messages { get; init; }

    public required MailEffects Mails { get; init; }

    /// <summary>The time until no job waited or ran; null: this state was not reached.</summary>
    public required TimeSpan? DrainTime { get; init; }
}

/// <summary>A turn as its submitter wrote it to the ledger.</summary>
/// <param name="Nonce">The nonce of the request.</param>
/// <param name="Job">The job id; null: the job was not queued, or its submitter was killed before it knew the id.</param>
/// <param name="Outcome">The outcome; null: the submitter was killed before the turn ended.</param>
/// <param name="About">The number of the execution, or the error.</param>
internal sealed record TurnRecord(string Nonce, Guid? Job, string? Outcome, string? About)
{
    public Intent Intent => RigNonce.IntentOf(Nonce);

    public static Dictionary<string, TurnRecord> Read(IEnumerable<string> files)
    {
        var turns = new Dictionary<string, TurnRecord>(StringComparer.Ordinal);
        foreach (var (_, fields) in LedgerFile.Read(files))
        {
            var turn = turns.GetValueOrDefault(fields[1]) ?? new(fields[1], null, null, null);
            turns[fields[1]] = fields[0] switch
            {
                "entered" => turn with { Job = Guid.Parse(fields[2]) },
                "answered" => turn with { Outcome = fields[2], About = fields[3] },
                _ => turn,
            };
        }

        return turns;
    }
}

/// <summary>A request that the upstream received.</summary>
/// <param name="Nonce">The nonce of the request.</param>
/// <param name="Number">The number of the execution in the run. The result contains it.</param>
/// <param name="Worker">The index of the worker.</param>
/// <param name="Status">The HTTP status of the response.</param>
/// <param name="At">When the upstream received the request.</param>
internal sealed record ExecutionRecord(string Nonce, long Number, int Worker, int Status, DateTimeOffset At)
{
    public static List<ExecutionRecord> Read(IEnumerable<string> files) =>
        [.. LedgerFile.Read(files).Select(line => new ExecutionRecord(
            line.Fields[1], long.Parse(line.Fields[3], CultureInfo.InvariantCulture),
            int.Parse(line.Fields[4], CultureInfo.InvariantCulture), int.Parse(line.Fields[5], CultureInfo.InvariantCulture), line.At))];
}

/// <summary>A job at the end of the run, as Postgres has it.</summary>
/// <param name="Id">The id.</param>
/// <param name="Tool">The tool.</param>
/// <param name="Status">The status.</param>
/// <param name="Attempts">The number of attempts.</param>
/// <param name="Nonce">The nonce of the request.</param>
/// <param name="DeadLetterReason">Why the job is a dead letter; empty when it is not.</param>
/// <param name="Error">The last error; empty when there was none.</param>
/// <param name="History">The history of the job, as JSON.</param>
/// <param name="CacheKey">The namespace and the key under which its result is cached; empty when it is not cached.</param>
internal sealed record JobRow(
    Guid Id, string Tool, string Status, int Attempts, string Nonce, string DeadLetterReason, string Error, string History,
    string CacheKey);

/// <summary>A lease of a job that a worker took.</summary>
/// <param name="Job">The job id.</param>
/// <param name="Tool">The lane.</param>
/// <param name="Token">The fencing token.</param>
/// <param name="Owner">The process id of the worker.</param>
/// <param name="At">When the worker took the lease.</param>
internal sealed record JobLeaseRow(Guid Job, string Tool, long Token, int Owner, DateTimeOffset At);

/// <summary>A running job that was queued again.</summary>
/// <param name="Job">The job id.</param>
/// <param name="Token">The fencing token of the lease that ended.</param>
/// <param name="Due">When the job is due.</param>
/// <param name="At">When it was queued.</param>
internal sealed record RequeueRow(Guid Job, long Token, DateTimeOffset Due, DateTimeOffset At);

/// <summary>An end of a job, or a change of a job that had ended before.</summary>
/// <param name="Job">The job id.</param>
/// <param name="Token">The fencing token of the job at this time.</param>
/// <param name="PreviousStatus">The status before.</param>
/// <param name="Status">The new status.</param>
/// <param name="Execution">The number of the execution that the result comes from; empty when there is none.</param>
/// <param name="At">When the change was made.</param>
/// <param name="Owner">The process id of the worker that has the lease; 0 without a worker.</param>
internal sealed record EndRow(Guid Job, long Token, string PreviousStatus, string Status, string Execution, DateTimeOffset At, int Owner);

using Sendcat.KillRig.Faults;
using Sendcat.KillRig.Ledger;

namespace Sendcat.KillRig.Verdict;

/// <summary>
/// Repeated executions of jobs. When a worker dies after it has sent a request, the request must be sent again. A repetition is therefore
/// explained only when a fault of the first execution's worker, or of Postgres, lies between the two executions.
/// </summary>
/// <param name="Executions">The number of successful executions, without those of poisonous jobs.</param>
/// <param name="All">The repeated executions. Those of poisonous jobs are not included, because these jobs must run again.</param>
/// <param name="Unexplained">The repeated executions that no fault explains.</param>
internal sealed record Duplicates(int Executions, IReadOnlyList<Repetition> All, IReadOnlyList<Repetition> Unexplained)
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(1);

    public double Share => Executions == 0 ? 0 : (double)All.Count / Executions;

    public static Duplicates In(Evidence evidence)
    {
        var executions = evidence.Executions.Where(
            execution => execution.Status == 200 && RigNonce.IntentOf(execution.Nonce) is not Intent.Poison).ToArray();
        var histories = evidence.Jobs.ToLookup(job => job.Nonce, job => job.History);
        var (all, unexplained) = (new List<Repetition>(), new List<Repetition>());
        foreach (var job in executions.GroupBy(execution => execution.Nonce).Where(job => job.Count() > 1))
        {
            foreach (var (first, second) in job.OrderBy(execution => execution.Number)
                .Zip(job.OrderBy(execution => execution.Number).Skip(1)))
            {
                var repetition = new Repetition(first, second, string.Join(' ', histories[first.Nonce]));
                all.Add(repetition);
                if (!evidence.InjectedFaults.Any(
                    it => (it.Victim is Victim.Postgres || (it.Victim is Victim.Worker && it.Index == first.Worker))
                        && it.IsActiveBetween(first.At - Tolerance, second.At)))
                {
                    unexplained.Add(repetition);
                }
            }
        }

        return new(executions.Length, all, unexplained);
    }
}

/// <summary>Two successive executions of one job.</summary>
/// <param name="First">The earlier one.</param>
/// <param name="Second">The later one.</param>
/// <param name="History">The failed attempts of the job, as JSON.</param>
internal sealed record Repetition(ExecutionRecord First, ExecutionRecord Second, string History)
{
    public override string ToString() =>
        $"{First.Nonce}: execution {First.Number} on worker {First.Worker} at {First.At:HH:mm:ss.fff}, "
        + $"execution {Second.Number} on worker {Second.Worker} at {Second.At:HH:mm:ss.fff}, failed attempts {History}";
}

using Sendcat.KillRig.Faults;
using Sendcat.KillRig.Ledger;

namespace Sendcat.KillRig.Verdict;

/// <summary>
/// Executions of jobs that were executed before. A job whose worker died after it had asked must be asked again, nobody can know better; so each is held against the faults: between the two,
/// the first one's worker or the record was struck.
/// </summary>
/// <param name="All">Answered executions of poisonous jobs are not among them: those jobs are there to be run again.</param>
internal sealed record Duplicates(int Executions, IReadOnlyList<ExecutionRecord> All, IReadOnlyList<ExecutionRecord> Unexplained)
{
    private static readonly TimeSpan Near = TimeSpan.FromSeconds(1);

    public double Share => Executions == 0 ? 0 : (double)All.Count / Executions;

    public static Duplicates In(Evidence evidence)
    {
        var executions = evidence.Executions.Where(execution => execution.Status == 200 && Question.FateOf(execution.Nonce) is not Fate.Poison).ToArray();
        var (all, unexplained) = (new List<ExecutionRecord>(), new List<ExecutionRecord>());
        foreach (var job in executions.GroupBy(execution => execution.Nonce).Where(job => job.Count() > 1))
        {
            foreach (var (first, again) in job.OrderBy(execution => execution.Number).Zip(job.OrderBy(execution => execution.Number).Skip(1)))
            {
                all.Add(again);
                if (!evidence.Happenings.Any(it => (it.Victim is Victim.Record || (it.Victim is Victim.Worker && it.Index == first.Worker)) && it.Touches(first.At - Near, again.At)))
                {
                    unexplained.Add(again);
                }
            }
        }

        return new(executions.Length, all, unexplained);
    }
}

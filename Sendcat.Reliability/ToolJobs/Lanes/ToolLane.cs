using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.ToolJobs.Lanes;

/// <summary>A kind of job with a queue of its own. Every tool that runs on the queue has its own lane.</summary>
/// <param name="Tool">The tool's name. The model, the database rows and the queue names use it.</param>
/// <param name="Number">The lane's key in Postgres advisory locks: unique, and never changed.</param>
/// <param name="Qos">The urgency of the lane's jobs.</param>
/// <param name="Caps">Reads the present caps of the lane from the knobs.</param>
public sealed record ToolLane(string Tool, int Number, QosClass Qos, Func<CurrentKnobs, LaneCaps> Caps)
{
    public override string ToString() => Tool;
}

/// <summary>The caps of one lane.</summary>
/// <param name="Queued">Maximum number of queued jobs, ≥ 1.</param>
/// <param name="Running">Maximum number of jobs of the lane that run at the same time, over all workers, ≥ 1.</param>
public readonly record struct LaneCaps(int Queued, int Running);

using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Timing;

namespace Sendcat.Reliability.ToolJobs.Lanes;

/// <summary>
/// A kind of job with a queue of its own. Every tool that runs on the queue has its own lane, and so has every other kind of work.
/// </summary>
/// <param name="Tool">The name of the tool or of the work. The model, the database rows and the queue names use it.</param>
/// <param name="Number">The lane's key in Postgres advisory locks: unique, and never changed.</param>
/// <param name="Qos">The urgency of the lane's jobs.</param>
/// <param name="Caps">Reads the present caps of the lane from the knobs.</param>
public sealed record ToolLane(string Tool, int Number, QosClass Qos, Func<CurrentKnobs, LaneCaps> Caps)
{
    /// <summary>The delays between the attempts of a job; null: those of the tools, from <c>TOOL_JOB_RETRY_BASE_MS</c> on.</summary>
    public Func<CurrentKnobs, Backoff>? RetryDelays { get; init; }

    /// <summary>Thresholds of alerts of its own; null: the jobs of the lane count in the alerts of the tool queue.</summary>
    public Func<CurrentKnobs, LaneThresholds>? Alerts { get; init; }

    /// <summary>
    /// The arguments are personal data: they and the principal are erased when the job is completed, failed or discarded. A dead letter
    /// keeps them, because it may be replayed.
    /// </summary>
    public bool ErasesArguments { get; init; }

    public override string ToString() => Tool;
}

/// <summary>The caps of one lane.</summary>
/// <param name="Queued">Maximum number of queued jobs, ≥ 1; null: no maximum.</param>
/// <param name="Running">Maximum number of jobs of the lane that run at the same time, over all workers, ≥ 1.</param>
public readonly record struct LaneCaps(int? Queued, int Running);

/// <summary>The highest values of a lane that raise no alert.</summary>
/// <param name="MaxQueued">Due jobs.</param>
/// <param name="MaxDeadLetters">Dead letters.</param>
/// <param name="MaxQueuedAge">Time since the oldest of them became due.</param>
/// <param name="MaxRunningAge">Time since the oldest running job started.</param>
public readonly record struct LaneThresholds(int MaxQueued, int MaxDeadLetters, TimeSpan MaxQueuedAge, TimeSpan MaxRunningAge);

namespace Sendcat.Reliability.ToolJobs.Lanes;

/// <summary>The limits of one lane and of its class.</summary>
/// <param name="Queued">Maximum number of queued jobs; null: no maximum.</param>
/// <param name="Running">Maximum number of jobs of the lane that run at the same time, over all workers.</param>
/// <param name="RunningInClass">Maximum number of jobs of the lane's class that run at the same time, over all workers.</param>
public readonly record struct LaneLimits(int? Queued, int Running, int RunningInClass)
{
    /// <summary>
    /// Maximum number of queued and running jobs of one principal in the lane: a quarter of <see cref="Queued"/>, at least 1; null: no
    /// maximum. It stops one principal from filling the lane while an upstream is slow.
    /// </summary>
    public int? PerPrincipal => Queued is { } queued ? Math.Max(1, queued / 4) : null;

    /// <summary>Maximum number of jobs of the lane that can run at the same time under both running limits.</summary>
    public int MaxConcurrent => Math.Min(Running, RunningInClass);
}

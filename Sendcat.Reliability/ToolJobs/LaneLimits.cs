namespace Sendcat.Reliability.ToolJobs;

/// <summary>The numbers of one lane, out of <see cref="ToolJobOptions"/>.</summary>
/// <param name="Queued">Jobs that may wait.</param>
/// <param name="Running">Jobs that may run at once, over all workers.</param>
/// <param name="RunningInClass">Jobs of the lane's class that may run at once, over all workers.</param>
public readonly record struct LaneLimits(int Queued, int Running, int RunningInClass)
{
    public static LaneLimits Of(ToolLane lane, ToolJobOptions options)
    {
        var inClass = lane.Qos switch
        {
            QosClass.Realtime => options.RunMaxRealtime,
            QosClass.Interactive => options.RunMaxInteractive,
            _ => options.RunMaxBatch,
        };
        return lane.Tool switch
        {
            "search_web" => new(options.QueueMaxWeb, options.RunMaxWeb, inClass),
            "search_products" => new(options.QueueMaxProducts, options.RunMaxProducts, inClass),
            _ => new(options.QueueMaxGlobal, options.RunMaxGlobal, inClass),
        };
    }

    /// <summary>Jobs that one principal may have in the lane, waiting and running: a slow upstream must not let him fill it.</summary>
    public int OfPrincipal => Math.Max(1, Queued / 4);

    /// <summary>Jobs of the lane that can run at once at all.</summary>
    public int Places => Math.Min(Running, RunningInClass);
}

namespace Sendcat.Reliability.ToolJobs.Lanes;

/// <summary>The urgency of a lane's jobs. The lanes of one class share the running limit of the class.</summary>
/// <param name="Name">The name in database rows and reports.</param>
/// <param name="Number">The key in Postgres advisory locks. The most urgent class has the lowest number.</param>
/// <param name="Weight">Share of a worker's slots when all lanes want more slots than are free.</param>
/// <param name="RunMax">Maximum number of jobs of the class that run at the same time, over all workers.</param>
public sealed record QosClass(string Name, int Number, int Weight, Func<ToolJobOptions, int> RunMax)
{
    /// <summary>A user waits for the response, and the tool responds fast.</summary>
    public static readonly QosClass Realtime = new("realtime", 0, Weight: 6, options => options.RunMaxRealtime);

    /// <summary>A user waits for the response, and the tool may take longer.</summary>
    public static readonly QosClass Interactive = new("interactive", 1, Weight: 3, options => options.RunMaxInteractive);

    /// <summary>The turn can do without the result.</summary>
    public static readonly QosClass Batch = new("batch", 2, Weight: 1, options => options.RunMaxBatch);

    /// <summary>Nobody waits for the result. The lanes of this class share no running limit; each has its own.</summary>
    public static readonly QosClass Background = new("background", 3, Weight: 1, _ => int.MaxValue);

    public static IReadOnlyList<QosClass> All { get; } = [Realtime, Interactive, Batch, Background];

    public override string ToString() => Name;
}

namespace Sendcat.Reliability.ToolJobs;

/// <summary>What a turn learns of its tool job.</summary>
public abstract record ToolJobOutcome
{
    /// <param name="Result">JSON of the tool's result contract.</param>
    public sealed record Completed(string Result) : ToolJobOutcome;

    /// <param name="Error">For logs and the model; no secrets.</param>
    /// <param name="Backpressure">Null: asking again would not help (a refusal by the upstream, a missing key).</param>
    public sealed record Failed(string Error, ToolBackpressure? Backpressure) : ToolJobOutcome;

    /// <summary>The wait is over, the job goes on; its late result still warms the cache.</summary>
    public sealed record TimedOut(ToolBackpressure Backpressure) : ToolJobOutcome;

    /// <summary>The lane was full; there is no job.</summary>
    /// <param name="Error"><c>[queue_saturated:&lt;tool&gt;] …</c></param>
    public sealed record Saturated(string Error, ToolBackpressure Backpressure) : ToolJobOutcome;

    /// <summary>The turn was aborted while it waited.</summary>
    public sealed record Cancelled : ToolJobOutcome;
}

/// <summary>Why a tool could not answer now, and when to ask again; goes to the reader as <c>tool-backpressure</c>.</summary>
/// <param name="Reason"><c>queue_saturated</c>, <c>dead_letter</c> or <c>queue_timeout</c>.</param>
public sealed record ToolBackpressure(string Reason, TimeSpan RetryAfter)
{
    public static readonly ToolBackpressure QueueSaturated = new("queue_saturated", TimeSpan.FromSeconds(1));
    public static readonly ToolBackpressure DeadLetter = new("dead_letter", TimeSpan.FromMilliseconds(1500));

    /// <returns>Ask again after a quarter of what was waited, at least a second.</returns>
    public static ToolBackpressure QueueTimeout(TimeSpan waited) => new("queue_timeout", TimeSpan.FromMilliseconds(Math.Max(waited.TotalMilliseconds / 4, 1000)));
}

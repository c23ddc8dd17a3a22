namespace Sendcat.Reliability.ToolJobs.Waiting;

/// <summary>The outcome of a tool job for the turn that waited.</summary>
public abstract record ToolJobOutcome
{
    /// <param name="Result">JSON in the tool's result contract.</param>
    public sealed record Completed(string Result) : ToolJobOutcome;

    /// <summary>The job failed, or it could not be enqueued.</summary>
    /// <param name="Error">For logs and the model. It contains no secrets.</param>
    /// <param name="Backpressure">Null: a retry would not help (the upstream rejected the request, or an API key is missing).</param>
    public sealed record Failed(string Error, ToolBackpressure? Backpressure) : ToolJobOutcome;

    /// <summary>The wait timed out. The job continues, and its result is still cached.</summary>
    public sealed record TimedOut(ToolBackpressure Backpressure) : ToolJobOutcome;

    /// <summary>The lane was full, the principal had its share of it, or the broker accepts no messages. No job exists.</summary>
    /// <param name="Error"><c>[queue_saturated:&lt;tool&gt;] …</c></param>
    public sealed record Saturated(string Error, ToolBackpressure Backpressure) : ToolJobOutcome;

    /// <summary>The turn was aborted while it waited.</summary>
    public sealed record Cancelled : ToolJobOutcome;
}

/// <summary>Why a tool gave no result, and when to retry. The client receives it as the event <c>tool-backpressure</c>.</summary>
/// <param name="Reason"><c>queue_saturated</c>, <c>dead_letter</c> or <c>queue_timeout</c>.</param>
public sealed record ToolBackpressure(string Reason, TimeSpan RetryAfter)
{
    public static readonly ToolBackpressure QueueSaturated = new("queue_saturated", TimeSpan.FromSeconds(1));
    public static readonly ToolBackpressure DeadLetter = new("dead_letter", TimeSpan.FromMilliseconds(1500));

    /// <returns>The retry delay is a quarter of the time waited, at least 1 s.</returns>
    public static ToolBackpressure QueueTimeout(TimeSpan waited) =>
        new("queue_timeout", TimeSpan.FromMilliseconds(Math.Max(waited.TotalMilliseconds / 4, 1000)));
}

using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>Executes the jobs of one lane.</summary>
internal interface IToolHandler
{
    ToolLane Lane { get; }

    /// <summary>
    /// Completes when jobs can run without a long preparation. This process claims no job of the lane before: it would take a slot of the
    /// lane meanwhile, and processes that are prepared could not use it.
    /// </summary>
    Task PrepareAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Executes one attempt of a job.</summary>
    /// <param name="arguments">JSON in the tool's arguments contract.</param>
    /// <param name="cancellationToken">
    /// Cancelled when the job is cancelled or taken over by another worker, when the worker stops, or when the maximum duration has passed.
    /// </param>
    Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken);
}

/// <summary>The result of one attempt.</summary>
internal abstract record ToolResult
{
    /// <summary>The attempt has a result.</summary>
    /// <param name="Json">JSON in the tool's result contract.</param>
    /// <param name="Cacheable">The result may be cached. False for partial and for empty results.</param>
    public sealed record Done(string Json, bool Cacheable) : ToolResult
    {
        /// <summary>A source failed, so the result lacks what it would have found.</summary>
        public bool IsPartial { get; init; }
    }

    /// <summary>The attempt failed.</summary>
    /// <param name="Error">For operators and the model. It must not contain secrets.</param>
    /// <param name="Retryable">Another attempt may succeed.</param>
    public sealed record Failed(string Error, bool Retryable) : ToolResult
    {
        /// <summary>The next attempt is not earlier; null: the retry delay of the lane decides.</summary>
        public TimeSpan? MinimumDelay { get; init; }
    }

    /// <summary>
    /// The attempt failed, and another one would fail until an operator has removed the cause: the job becomes a dead letter.
    /// </summary>
    /// <param name="Error">For operators. It must not contain secrets.</param>
    public sealed record Rejected(string Error) : ToolResult;

    /// <summary>The attempt could not be made. The job is tried again after the delay, and the attempt does not count.</summary>
    /// <param name="Delay">Time until the next attempt.</param>
    public sealed record Postponed(TimeSpan Delay) : ToolResult;

    /// <summary>The failure of an upstream as the failure of the attempt.</summary>
    public static Failed Of(UpstreamError error) => new(error.Message, error.Retryable);
}

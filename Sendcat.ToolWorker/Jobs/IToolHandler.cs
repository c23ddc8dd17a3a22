using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>Executes the jobs of one tool.</summary>
internal interface IToolHandler
{
    ToolLane Lane { get; }

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
    public sealed record Done(string Json, bool Cacheable) : ToolResult;

    /// <summary>The attempt failed.</summary>
    /// <param name="Error">For operators and the model. It must not contain secrets.</param>
    /// <param name="Retryable">Another attempt may succeed.</param>
    public sealed record Failed(string Error, bool Retryable) : ToolResult;

    /// <summary>The failure of an upstream as the failure of the attempt.</summary>
    public static Failed Of(UpstreamError error) => new(error.Message, error.Retryable);
}

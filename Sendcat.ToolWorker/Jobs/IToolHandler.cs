using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>Does one tool's work.</summary>
internal interface IToolHandler
{
    ToolLane Lane { get; }

    /// <param name="arguments">JSON of the tool's contract.</param>
    /// <param name="cancellationToken">The job was cancelled or taken over, the worker stops, or it took too long.</param>
    Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken);
}

/// <summary>What came of one attempt.</summary>
internal abstract record ToolResult
{
    /// <param name="Json">The tool's result contract.</param>
    /// <param name="Keep">Good enough for the cache; false for partial and empty results.</param>
    public sealed record Done(string Json, bool Keep) : ToolResult;

    /// <param name="Error">For operators and the model; no secrets.</param>
    /// <param name="Retryable">Another attempt may go better.</param>
    public sealed record Refused(string Error, bool Retryable) : ToolResult;

    public static Refused Of(UpstreamError error) => new(error.Message, error.Retryable);
}

using Sendcat.ApiService.Providers;
using Sendcat.Integrations.Tools;

namespace Sendcat.ApiService.Tools;

/// <summary>A tool that the model may call during a turn.</summary>
internal interface ITool
{
    ToolDeclaration Declaration { get; }

    /// <summary>Maximum calls per turn.</summary>
    int PerTurn { get; }

    /// <summary>True: the tool is declared to the model in this turn.</summary>
    /// <param name="webSearch">True: web search is on in this turn.</param>
    bool OfferedWhen(bool webSearch);

    /// <summary>Executes a call. A failure of an upstream does not throw; it is a result that the model can read.</summary>
    /// <exception cref="OperationCanceledException">The turn has ended. Nothing else cancels a call.</exception>
    Task<ToolCallResult> RunAsync(ToolCall call, CancellationToken cancellationToken);
}

/// <param name="ArgumentsJson">The text of the model, which has been checked to be a JSON object.</param>
/// <param name="Principal">Key of the principal of the turn.</param>
/// <param name="WebSearch">True: web search is on in this turn.</param>
/// <param name="Budget">The tool budget of the turn, for a tool whose call also counts as a call of another tool.</param>
internal sealed record ToolCall(string Id, string Name, string ArgumentsJson, string Principal, bool WebSearch, TurnToolBudget Budget)
{
    /// <summary>Called when the call waits for a job, with the job's id and whether another turn had enqueued it.</summary>
    public Action<Guid, bool>? OnJob { get; init; }

    /// <summary>Called when it is known where the result of a search came from.</summary>
    public Action<LookupSource>? OnFound { get; init; }
}

/// <param name="Text">Text for the model.</param>
/// <param name="OutputJson">A JSON array of structured rows for the client; null: there are none.</param>
/// <param name="Products">Products that the client shows beside the assistant's message.</param>
/// <param name="Hits">Web pages that the client shows beside the assistant's message.</param>
/// <param name="Failed">True: <paramref name="Text"/> informs the model that the call failed.</param>
/// <param name="Pressure">Backpressure of the tool's queue; null: there was none.</param>
internal sealed record ToolCallResult(
    string Text, string? OutputJson = null, IReadOnlyList<Product>? Products = null, IReadOnlyList<SearchWebHit>? Hits = null,
    bool Failed = false, ToolPressure? Pressure = null);

/// <summary>Backpressure of a tool queue: the reason why the job was not executed in time.</summary>
internal sealed record ToolPressure(string Reason, bool Retryable, int? RetryAfterMs);

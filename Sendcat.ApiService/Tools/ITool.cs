using Sendcat.ApiService.Providers;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Tools;

/// <summary>Something the model may call during a turn.</summary>
internal interface ITool
{
    ToolDeclaration Declaration { get; }

    /// <summary>Calls that one turn may make.</summary>
    int PerTurn { get; }

    /// <summary>True if the tool is declared to the model in this turn.</summary>
    bool OfferedWhen(bool webSearch);

    /// <summary>Never throws for what an upstream did: a failure is an answer that the model can read. Cancelled by the turn's end alone.</summary>
    Task<ToolAnswer> RunAsync(ToolCall call, CancellationToken cancellationToken);
}

/// <param name="ArgumentsJson">A JSON object; the model's own text, checked to be one.</param>
/// <param name="Budget">The turn's, for tools that use what counts as another one's.</param>
internal sealed record ToolCall(string Id, string Name, string ArgumentsJson, string Principal, bool WebSearch, TurnToolBudget Budget);

/// <summary>What a tool call came to.</summary>
/// <param name="Text">What the model reads.</param>
/// <param name="OutputJson">Structured rows for the reader, a JSON array.</param>
/// <param name="Products">What is to be shown beside the assistant's message.</param>
/// <param name="Failed">The model was told that it did not work.</param>
internal sealed record ToolAnswer(string Text, string? OutputJson = null, IReadOnlyList<Product>? Products = null, bool Failed = false, ToolPressure? Pressure = null);

/// <summary>The queue's reason why a tool could not help now.</summary>
internal sealed record ToolPressure(string Reason, bool Retryable, int? RetryAfterMs);

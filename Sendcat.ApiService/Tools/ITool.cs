using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Tools;

/// <summary>Something the model may call during a turn.</summary>
internal interface ITool
{
    ToolDeclaration Declaration { get; }

    /// <summary>Calls that one turn may make.</summary>
    int PerTurn { get; }

    /// <summary>True if the tool is declared to the model in this turn.</summary>
    bool OfferedWhen(bool webSearch);

    /// <summary>Never throws for what an upstream did: a failure is an answer that the model can read.</summary>
    Task<ToolAnswer> RunAsync(ToolCall call, CancellationToken cancellationToken);
}

/// <param name="ArgumentsJson">A JSON object; the model's own text, checked to be one.</param>
internal sealed record ToolCall(string Id, string Name, string ArgumentsJson, Guid ThreadId, Guid StreamId, string Principal, bool WebSearch);

/// <summary>What a tool call came to.</summary>
/// <param name="Text">What the model reads.</param>
/// <param name="OutputJson">Structured rows for the reader, a JSON array.</param>
/// <param name="ProductsJson">Products to keep on the assistant's message, a JSON array.</param>
internal sealed record ToolAnswer(string Text, string? OutputJson = null, string? ProductsJson = null, bool Failed = false, ToolPressure? Pressure = null);

/// <summary>The queue's reason why a tool could not help now.</summary>
internal sealed record ToolPressure(string Reason, bool Retryable, int? RetryAfterMs);

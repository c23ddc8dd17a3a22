using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.ApiService.OpenApi;

/// <summary>
/// The events of the Sendcat dialect, for the API document alone: <c>SendcatDialect</c> writes them without these types. A test compares
/// the two.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Start), "start")]
[JsonDerivedType(typeof(ProviderRoute), "provider-route")]
[JsonDerivedType(typeof(AttachmentSkipped), "attachment-skipped")]
[JsonDerivedType(typeof(Content), "content")]
[JsonDerivedType(typeof(Reasoning), "reasoning")]
[JsonDerivedType(typeof(ToolInputStart), "tool-input-start")]
[JsonDerivedType(typeof(ToolInputDelta), "tool-input-delta")]
[JsonDerivedType(typeof(ToolInputAvailable), "tool-input-available")]
[JsonDerivedType(typeof(ToolOutputPartiallyAvailable), "tool-output-partially-available")]
[JsonDerivedType(typeof(ToolOutputAvailable), "tool-output-available")]
[JsonDerivedType(typeof(ToolOutputError), "tool-output-error")]
[JsonDerivedType(typeof(ToolBackpressure), "tool-backpressure")]
[JsonDerivedType(typeof(Usage), "usage")]
[JsonDerivedType(typeof(UsageError), "usage_error")]
[JsonDerivedType(typeof(Error), "error")]
[JsonDerivedType(typeof(Aborted), "aborted")]
[JsonDerivedType(typeof(Done), "done")]
internal abstract record SendcatEvent
{
    public sealed record Start(string MessageId, string StreamId, string ThreadId) : SendcatEvent;

    public sealed record ProviderRoute(string ProviderId, string RouteId, string ModelClass) : SendcatEvent;

    public sealed record AttachmentSkipped(string? StorageId, string Name, string MediaType, string Reason) : SendcatEvent;

    public sealed record Content([property: JsonPropertyName("content")] string Text) : SendcatEvent;

    public sealed record Reasoning([property: JsonPropertyName("content")] string Text) : SendcatEvent;

    public sealed record ToolInputStart(string ToolCallId, string ToolName, string State) : SendcatEvent;

    public sealed record ToolInputDelta(string ToolCallId, string InputTextDelta, string ArgsSnapshot) : SendcatEvent;

    public sealed record ToolInputAvailable(string ToolCallId, string ToolName, JsonElement Input, string State) : SendcatEvent;

    public sealed record ToolOutputPartiallyAvailable(string ToolCallId, JsonElement Output) : SendcatEvent;

    public sealed record ToolOutputAvailable(string ToolCallId, JsonElement Output) : SendcatEvent;

    public sealed record ToolOutputError(string ToolCallId, string ErrorText) : SendcatEvent;

    public sealed record ToolBackpressure(
        string ToolCallId, string ToolName, string Reason, bool Retryable, int? RetryAfterMs) : SendcatEvent;

    public sealed record Usage([property: JsonPropertyName("usage")] TokenUsage? Tokens, CallTimings Metrics) : SendcatEvent;

    public sealed record UsageError([property: JsonPropertyName("error")] string Message, string Code, FailedCall Metrics) : SendcatEvent;

    public sealed record Error([property: JsonPropertyName("error")] string Message, string Code, int? RetryAfterMs) : SendcatEvent;

    public sealed record Aborted : SendcatEvent;

    public sealed record Done : SendcatEvent;
}

/// <summary>The tokens of a model call; <c>cost</c> in US dollars.</summary>
internal sealed record TokenUsage(
    [property: JsonPropertyName("prompt_tokens")] long PromptTokens,
    [property: JsonPropertyName("completion_tokens")] long CompletionTokens,
    [property: JsonPropertyName("total_tokens")] long TotalTokens,
    [property: JsonPropertyName("cached_tokens")] long? CachedTokens,
    [property: JsonPropertyName("reasoning_tokens")] long? ReasoningTokens,
    decimal? Cost);

/// <summary>Milliseconds from the request to the end of the call, and to the first token.</summary>
internal sealed record CallTimings(long LatencyMs, long? TtftMs, string ModelId, string? FinishReason);

internal sealed record FailedCall(long LatencyMs, string ModelId);

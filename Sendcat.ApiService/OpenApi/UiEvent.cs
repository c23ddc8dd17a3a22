using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.ApiService.OpenApi;

/// <summary>
/// The chunks of the UI dialect, for the API document alone: <c>UiDialect</c> writes them without these types. A test compares the two. The
/// stream ends with <c>data: [DONE]</c>.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Start), "start")]
[JsonDerivedType(typeof(StartStep), "start-step")]
[JsonDerivedType(typeof(FinishStep), "finish-step")]
[JsonDerivedType(typeof(DataStep), "data-step")]
[JsonDerivedType(typeof(DataProviderRoute), "data-provider-route")]
[JsonDerivedType(typeof(DataAttachmentSkipped), "data-attachment-skipped")]
[JsonDerivedType(typeof(TextStart), "text-start")]
[JsonDerivedType(typeof(TextDelta), "text-delta")]
[JsonDerivedType(typeof(TextEnd), "text-end")]
[JsonDerivedType(typeof(ReasoningStart), "reasoning-start")]
[JsonDerivedType(typeof(ReasoningDelta), "reasoning-delta")]
[JsonDerivedType(typeof(ReasoningEnd), "reasoning-end")]
[JsonDerivedType(typeof(ToolInputStart), "tool-input-start")]
[JsonDerivedType(typeof(ToolInputDelta), "tool-input-delta")]
[JsonDerivedType(typeof(ToolInputAvailable), "tool-input-available")]
[JsonDerivedType(typeof(ToolInputError), "tool-input-error")]
[JsonDerivedType(typeof(ToolOutputAvailable), "tool-output-available")]
[JsonDerivedType(typeof(ToolOutputError), "tool-output-error")]
[JsonDerivedType(typeof(SourceUrl), "source-url")]
[JsonDerivedType(typeof(DataToolBackpressure), "data-tool-backpressure")]
[JsonDerivedType(typeof(MessageMetadata), "message-metadata")]
[JsonDerivedType(typeof(DataError), "data-error")]
[JsonDerivedType(typeof(Error), "error")]
[JsonDerivedType(typeof(Abort), "abort")]
[JsonDerivedType(typeof(Finish), "finish")]
internal abstract record UiEvent
{
    public sealed record Start(string MessageId, [property: JsonPropertyName("messageMetadata")] TurnMetadata Metadata) : UiEvent;

    public sealed record StartStep : UiEvent;

    public sealed record FinishStep : UiEvent;

    public sealed record DataStep(string Id, StepData Data) : UiEvent;

    public sealed record DataProviderRoute(string Id, RouteData Data) : UiEvent;

    public sealed record DataAttachmentSkipped(SkippedAttachment Data) : UiEvent;

    public sealed record TextStart(string Id) : UiEvent;

    public sealed record TextDelta(string Id, string Delta) : UiEvent;

    public sealed record TextEnd(string Id) : UiEvent;

    public sealed record ReasoningStart(string Id) : UiEvent;

    public sealed record ReasoningDelta(string Id, string Delta) : UiEvent;

    public sealed record ReasoningEnd(string Id) : UiEvent;

    public sealed record ToolInputStart(string ToolCallId, string ToolName) : UiEvent;

    public sealed record ToolInputDelta(string ToolCallId, string InputTextDelta) : UiEvent;

    public sealed record ToolInputAvailable(string ToolCallId, string ToolName, JsonElement Input) : UiEvent;

    public sealed record ToolInputError(string ToolCallId, string ToolName, JsonElement Input, string ErrorText) : UiEvent;

    public sealed record ToolOutputAvailable(string ToolCallId, JsonElement Output, bool? Preliminary) : UiEvent;

    public sealed record ToolOutputError(string ToolCallId, string ErrorText) : UiEvent;

    public sealed record SourceUrl(string SourceId, string Url, string Title) : UiEvent;

    public sealed record DataToolBackpressure(bool Transient, BackpressureData Data) : UiEvent;

    public sealed record MessageMetadata([property: JsonPropertyName("messageMetadata")] UsageMetadata Metadata) : UiEvent;

    public sealed record DataError(ErrorData Data) : UiEvent;

    public sealed record Error(string ErrorText) : UiEvent;

    public sealed record Abort : UiEvent;

    public sealed record Finish(string FinishReason, [property: JsonPropertyName("messageMetadata")] UsageMetadata Metadata) : UiEvent;

    public sealed record TurnMetadata(string StreamId, string ThreadId, DateTimeOffset CreatedAt);

    public sealed record StepData(int Index, string MessageId);

    public sealed record RouteData(string ProviderId, string RouteId, string ModelClass, string Model, int Step);

    public sealed record SkippedAttachment(string? StorageId, string Name, string MediaType, string Reason);

    public sealed record BackpressureData(string ToolCallId, string ToolName, string Reason, bool Retryable, int? RetryAfterMs);

    public sealed record UsageMetadata(string? Status, TokenUsage? Usage, CallTimings? Metrics);

    public sealed record ErrorData(string Code, bool Retryable, int? RetryAfterMs, string? RouteId);
}

using System.Text.Json.Serialization;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Chat;

/// <summary>What happens in a turn, in the order in which it happens. Both wire dialects are written from these; nothing else reaches a client.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "e")]
[JsonDerivedType(typeof(Start), "start")]
[JsonDerivedType(typeof(ProviderRoute), "route")]
[JsonDerivedType(typeof(Content), "content")]
[JsonDerivedType(typeof(Reasoning), "reasoning")]
[JsonDerivedType(typeof(ToolInputStart), "tool-start")]
[JsonDerivedType(typeof(ToolInputDelta), "tool-delta")]
[JsonDerivedType(typeof(ToolInputAvailable), "tool-input")]
[JsonDerivedType(typeof(ToolOutputPartial), "tool-partial")]
[JsonDerivedType(typeof(ToolOutput), "tool-output")]
[JsonDerivedType(typeof(ToolBackpressure), "backpressure")]
[JsonDerivedType(typeof(Usage), "usage")]
[JsonDerivedType(typeof(Error), "error")]
[JsonDerivedType(typeof(Done), "done")]
[JsonDerivedType(typeof(Aborted), "aborted")]
internal abstract record ChatEvent
{
    /// <summary>A model call begins and writes to the message <paramref name="MessageId"/>; the stream id stays the same for the whole turn.</summary>
    public sealed record Start(string MessageId, string StreamId, string ThreadId, DateTimeOffset CreatedAt, int Step) : ChatEvent;

    public sealed record ProviderRoute(string ProviderId, string RouteId, string ModelClass, string Model, int Step) : ChatEvent;

    public sealed record Content(string Text) : ChatEvent;

    public sealed record Reasoning(string Text) : ChatEvent;

    public sealed record ToolInputStart(string ToolCallId, string ToolName) : ChatEvent;

    public sealed record ToolInputDelta(string ToolCallId, string Delta) : ChatEvent;

    /// <param name="InputJson">The arguments: an object, or whatever text the model wrote when <paramref name="Valid"/> is false.</param>
    public sealed record ToolInputAvailable(string ToolCallId, string ToolName, string InputJson, bool Valid) : ChatEvent;

    /// <summary>Structured rows (search results, products) that a tool has found so far.</summary>
    public sealed record ToolOutputPartial(string ToolCallId, string OutputJson) : ChatEvent;

    /// <summary>What the model was told; ends the tool call.</summary>
    public sealed record ToolOutput(string ToolCallId, string Text, string? OutputJson, bool Failed) : ChatEvent;

    /// <param name="Reason"><c>queue_saturated</c>, <c>queue_timeout</c> or <c>dead_letter</c>.</param>
    public sealed record ToolBackpressure(string ToolCallId, string ToolName, string Reason, bool Retryable, int? RetryAfterMs) : ChatEvent;

    /// <summary>The end of one model call.</summary>
    public sealed record Usage(ProviderUsage? Tokens, CallMetrics Metrics) : ChatEvent
    {
        /// <summary>This call and those before it: tokens and time add up, the first token is the first call's, model and reason are the last one's.</summary>
        public Usage After(Usage? earlier) => earlier is null ? this : new(
            Tokens is null ? earlier.Tokens : Tokens.Plus(earlier.Tokens),
            Metrics with { LatencyMs = earlier.Metrics.LatencyMs + Metrics.LatencyMs, TtftMs = earlier.Metrics.TtftMs ?? Metrics.TtftMs });
    }

    /// <param name="Metrics">Present if a provider had been asked.</param>
    public sealed record Error(string Code, string Message, bool Retryable, int? RetryAfterMs, string? RouteId, CallMetrics? Metrics) : ChatEvent;

    public sealed record Done(string FinishReason) : ChatEvent;

    /// <summary>The user stopped the turn; nothing follows.</summary>
    public sealed record Aborted : ChatEvent;
}

/// <param name="LatencyMs">From the request to the end of the call.</param>
/// <param name="TtftMs">From the request to the first token; null if there was none.</param>
internal sealed record CallMetrics(long LatencyMs, long? TtftMs, string ModelId, string? FinishReason);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChatEvent))]
internal sealed partial class ChatEventJson : JsonSerializerContext;

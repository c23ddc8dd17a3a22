using System.Text.Json.Serialization;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>
/// An event of a turn. Both wire dialects are written from these events and from nothing else. Replicas exchange them as JSON, with the
/// type discriminator <c>e</c>.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "e")]
[JsonDerivedType(typeof(Start), "start")]
[JsonDerivedType(typeof(ProviderRoute), "route")]
[JsonDerivedType(typeof(AttachmentSkipped), "attachment-skipped")]
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
    /// <summary>The text of a delta, which may be split and joined with adjacent deltas of its kind; null for all other events.</summary>
    [JsonIgnore]
    public virtual string? DeltaText => null;

    /// <summary>The same delta with another text.</summary>
    /// <exception cref="InvalidOperationException">The event is not a delta.</exception>
    public virtual ChatEvent WithDeltaText(string text) => throw new InvalidOperationException("Only deltas have a text.");

    /// <summary>
    /// A model call begins and writes to the message <paramref name="MessageId"/>. The stream id stays the same for the whole turn.
    /// </summary>
    /// <param name="Step">Number of the model call within the turn, from 0.</param>
    public sealed record Start(string MessageId, string StreamId, string ThreadId, DateTimeOffset CreatedAt, int Step) : ChatEvent;

    /// <summary>The route was chosen that answers the model call.</summary>
    public sealed record ProviderRoute(string ProviderId, string RouteId, string ModelClass, string Model, int Step) : ChatEvent;

    /// <summary>A file of the conversation is not sent to the model. Once per file, reason and turn.</summary>
    /// <param name="StorageId">The id of the attachment; null for a file that is only an address.</param>
    /// <param name="Reason">A value of <see cref="LeftOutReason"/>.</param>
    public sealed record AttachmentSkipped(string? StorageId, string Name, string MediaType, string Reason) : ChatEvent;

    public sealed record Content(string Text) : ChatEvent
    {
        public override string DeltaText => Text;

        public override ChatEvent WithDeltaText(string text) => new Content(text);
    }

    public sealed record Reasoning(string Text) : ChatEvent
    {
        public override string DeltaText => Text;

        public override ChatEvent WithDeltaText(string text) => new Reasoning(text);
    }

    public sealed record ToolInputStart(string ToolCallId, string ToolName) : ChatEvent;

    public sealed record ToolInputDelta(string ToolCallId, string Delta) : ChatEvent
    {
        public override string DeltaText => Delta;

        public override ChatEvent WithDeltaText(string text) => this with { Delta = text };
    }

    /// <summary>The arguments of a tool call are complete.</summary>
    /// <param name="InputJson">The arguments: a JSON object, or the model's text unchanged when <paramref name="Valid"/> is false.</param>
    public sealed record ToolInputAvailable(string ToolCallId, string ToolName, string InputJson, bool Valid) : ChatEvent;

    /// <summary>Structured rows (search results, products) that a tool has found so far.</summary>
    public sealed record ToolOutputPartial(string ToolCallId, string OutputJson) : ChatEvent;

    /// <summary>The result of a tool call, with the text that the model gets. The last event of the call.</summary>
    public sealed record ToolOutput(string ToolCallId, string Text, string? OutputJson, bool Failed) : ChatEvent;

    /// <summary>A tool call was refused or given up because of load or failures of the tool's queue.</summary>
    /// <param name="Reason"><c>queue_saturated</c>, <c>queue_timeout</c> or <c>dead_letter</c>.</param>
    public sealed record ToolBackpressure(string ToolCallId, string ToolName, string Reason, bool Retryable, int? RetryAfterMs) : ChatEvent;

    /// <summary>A model call ended.</summary>
    /// <param name="Tokens">Null if the provider reported none.</param>
    public sealed record Usage(ProviderUsage? Tokens, CallMetrics Metrics) : ChatEvent
    {
        /// <summary>
        /// Totals of this call and the earlier ones: tokens and latency are summed, the time to first token is that of the first call,
        /// model and finish reason are those of this call.
        /// </summary>
        /// <param name="earlier">The totals before this call; null for the first call.</param>
        public Usage After(Usage? earlier) => earlier is null ? this : new(
            Tokens is null ? earlier.Tokens : Tokens.Plus(earlier.Tokens),
            Metrics with { LatencyMs = earlier.Metrics.LatencyMs + Metrics.LatencyMs, TtftMs = earlier.Metrics.TtftMs ?? Metrics.TtftMs });
    }

    /// <summary>The turn failed. The last event.</summary>
    /// <param name="Metrics">Present if a request was sent to a provider.</param>
    public sealed record Error(
        string Code, string Message, bool Retryable, int? RetryAfterMs, string? RouteId, CallMetrics? Metrics) : ChatEvent
    {
        /// <summary>The budget of money does not cover the next model call of the turn.</summary>
        public const string RateLimited = "rate_limited";

        public static Error ThreadDeleted(string? routeId = null, CallMetrics? metrics = null) =>
            new("thread_deleted", "The conversation was deleted.", false, null, routeId, metrics);
    }

    /// <summary>The turn completed. The last event.</summary>
    public sealed record Done(string FinishReason) : ChatEvent;

    /// <summary>The turn was aborted, by its user or because it lost its readers or its slot. The last event.</summary>
    public sealed record Aborted : ChatEvent;
}

/// <summary>Timings of one model call, or of all calls of a turn.</summary>
/// <param name="LatencyMs">Milliseconds from the request to the end of the call.</param>
/// <param name="TtftMs">Milliseconds from the request to the first token; null if there was none.</param>
internal sealed record CallMetrics(long LatencyMs, long? TtftMs, string ModelId, string? FinishReason);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChatEvent))]
internal sealed partial class ChatEventJson : JsonSerializerContext;

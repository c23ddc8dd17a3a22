using System.Text.Json;

namespace Sendcat.Monitor.Chat;

/// <summary>An event of a turn that a terminal shows, independent of the dialect.</summary>
internal abstract record TurnEvent
{
    /// <summary>True for an event that ends the stream.</summary>
    public virtual bool IsLast => false;

    /// <summary>Ids that a later abort needs. A null id does not change the one from an earlier event.</summary>
    public sealed record Started(string? MessageId, string? StreamId) : TurnEvent;

    public sealed record Route(string RouteId, string ModelClass) : TurnEvent;

    public sealed record Text(string Delta) : TurnEvent;

    public sealed record Reasoning(string Delta) : TurnEvent;

    public sealed record ToolCalled(string CallId, string Name, string Arguments) : TurnEvent;

    public sealed record ToolAnswered(string CallId, JsonElement Output) : TurnEvent;

    public sealed record ToolFailed(string CallId, string Message) : TurnEvent;

    public sealed record Backpressure(string Tool, string Reason, int? RetryAfterMs) : TurnEvent;

    /// <summary>Token usage and latency of one model call; in the UI dialect, of the whole turn. Latencies are in milliseconds.</summary>
    public sealed record Usage(long? PromptTokens, long? CompletionTokens, string? ModelId, double? LatencyMs, double? TtftMs) : TurnEvent;

    public sealed record Failed(string Code, string Message, int? RetryAfterMs) : TurnEvent
    {
        public override bool IsLast => true;
    }

    public sealed record Stopped : TurnEvent
    {
        public override bool IsLast => true;
    }

    public sealed record Done : TurnEvent
    {
        public override bool IsLast => true;
    }
}

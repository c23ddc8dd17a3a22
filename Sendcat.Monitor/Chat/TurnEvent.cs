using System.Text.Json;

namespace Sendcat.Monitor.Chat;

/// <summary>What a person at a terminal wants to know of a turn, whichever dialect told it.</summary>
internal abstract record TurnEvent
{
    /// <summary>True for the events after which nothing comes.</summary>
    public virtual bool IsLast => false;

    /// <summary>Ids that a later abort needs; those that are null stay as they were.</summary>
    public sealed record Started(string? MessageId, string? StreamId) : TurnEvent;

    public sealed record Route(string RouteId, string ModelClass) : TurnEvent;

    public sealed record Text(string Delta) : TurnEvent;

    public sealed record Reasoning(string Delta) : TurnEvent;

    public sealed record ToolCalled(string CallId, string Name, string Arguments) : TurnEvent;

    public sealed record ToolAnswered(string CallId, JsonElement Output) : TurnEvent;

    public sealed record ToolFailed(string CallId, string Message) : TurnEvent;

    public sealed record Backpressure(string Tool, string Reason, int? RetryAfterMs) : TurnEvent;

    /// <summary>Of one model call, or in the UI dialect of the whole turn.</summary>
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

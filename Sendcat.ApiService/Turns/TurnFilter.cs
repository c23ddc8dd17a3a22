using System.Diagnostics;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Turns;

/// <summary>Which turns an operator looks for. Of the properties, one that is not null must match; without any, all turns match.</summary>
internal sealed record TurnFilter
{
    private const int LongestId = 200;

    /// <summary>Hexadecimal digits of a trace id, and those before it in a <c>traceparent</c>.</summary>
    private const int TraceDigits = 32;
    private const int TraceOffset = 3;
    private const int TraceParentLength = 55;

    public Guid? Stream { get; init; }

    public Guid? Thread { get; init; }

    /// <summary>The id that a client gave its thread.</summary>
    public string? ClientThread { get; init; }

    public Guid? Message { get; init; }

    /// <summary>The id that a client gave its message.</summary>
    public string? ClientMessage { get; init; }

    public Guid? Trace { get; init; }

    public bool MatchesAll => this == new TurnFilter();

    /// <param name="id">Any of the others.</param>
    /// <returns>The error for more than one id, or for one that no turn can have.</returns>
    public static Outcome<TurnFilter> Read(string? thread, string? stream, string? message, string? trace, string? id)
    {
        string?[] given = [thread, stream, message, trace, id];
        if (given.Count(text => !string.IsNullOrEmpty(text)) > 1)
        {
            return ApiError.InvalidRequest("say one of thread, stream, message, trace and id");
        }

        if (given.Any(text => text is not null && !StoredText.Fits(text, LongestId)))
        {
            return ApiError.InvalidRequest($"an id has at most {LongestId} characters");
        }

        if (!string.IsNullOrEmpty(stream))
        {
            return StreamOf(stream) is { } found ? new TurnFilter { Stream = found }
                : ApiError.InvalidRequest("stream must be a UUID, with or without STREAM:");
        }

        if (!string.IsNullOrEmpty(trace))
        {
            return TraceOf(trace) is { } found ? new TurnFilter { Trace = found }
                : ApiError.InvalidRequest("trace must have 32 hexadecimal digits");
        }

        return !string.IsNullOrEmpty(thread) ? OfThread(new(), thread)
            : !string.IsNullOrEmpty(message) ? OfMessage(new(), message)
            : !string.IsNullOrEmpty(id) ? Any(id)
            : new TurnFilter();
    }

    private static TurnFilter Any(string id)
    {
        var text = id.Trim();
        return text.StartsWith("STREAM:", StringComparison.Ordinal) ? new() { Stream = StreamOf(text) ?? Guid.Empty }
            : TraceOf(text) is { } trace ? new() { Trace = trace }
            : OfThread(OfMessage(new() { Stream = StreamOf(text) }, text), text);
    }

    private static TurnFilter OfThread(TurnFilter filter, string text) => filter with { Thread = Uuid(text), ClientThread = text };

    private static TurnFilter OfMessage(TurnFilter filter, string text) => filter with { Message = Uuid(text), ClientMessage = text };

    private static Guid? StreamOf(string text) => StreamIds.TryParse(text, out var stream) ? stream : Uuid(text);

    private static Guid? Uuid(string text) => Guid.TryParseExact(text, "D", out var id) ? id : null;

    /// <summary>A trace id, or the one in a <c>traceparent</c>.</summary>
    private static Guid? TraceOf(string text)
    {
        var digits = text.Length == TraceParentLength && ActivityContext.TryParse(text, null, out _)
            ? text.Substring(TraceOffset, TraceDigits) : text;
        return digits.Length == TraceDigits && Guid.TryParseExact(digits, "N", out var trace) ? trace : null;
    }
}

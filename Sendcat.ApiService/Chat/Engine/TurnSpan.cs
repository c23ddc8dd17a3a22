using System.Diagnostics;
using Sendcat.ApiService.Chat.Record;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>
/// Spans and tags of turns, by which a turn is found among traces: ids of thread, stream and message. No message text and no principal.
/// </summary>
internal static class TurnSpan
{
    private static readonly ActivitySource Source = new("Sendcat.Chat");

    /// <summary>Starts the span of a turn, a child of the request's span. It may end after its parent.</summary>
    public static Activity? Start(TurnStart start, Guid messageId)
    {
        var span = Source.StartActivity("chat turn");
        SetIds(span, start.ThreadId, start.WireStreamId, messageId);
        span?.SetTag("gen_ai.conversation.id", start.ThreadId);
        return span;
    }

    /// <summary>Sets the ids of thread, stream and message as tags.</summary>
    /// <param name="streamId">The stream id as clients see it.</param>
    public static void SetIds(Activity? span, Guid threadId, string? streamId = null, Guid? messageId = null)
    {
        // ASP.NET Core creates a span for a request also without a listener; such a span is not recorded.
        if (span is not { Recorded: true, IsAllDataRequested: true })
        {
            return;
        }

        span.SetTag("sendcat.thread.id", threadId);
        span.SetTag("sendcat.stream.id", streamId);
        span.SetTag("sendcat.message.id", messageId);
    }

    /// <summary>The trace of an activity as a UUID of the same 32 digits; null: there is none.</summary>
    public static Guid? TraceOf(Activity? activity) =>
        activity is { IdFormat: ActivityIdFormat.W3C } && Guid.TryParseExact(activity.TraceId.ToHexString(), "N", out var trace) ? trace
            : null;

    public static void End(Activity? span, string status, TurnEnding? ending)
    {
        span?.SetTag("sendcat.turn.status", status);
        if (ending is { } cause)
        {
            span?.SetTag("sendcat.turn.ended_by", cause.ToString());
        }

        if (status == MessageStatus.Error)
        {
            span?.SetStatus(ActivityStatusCode.Error);
        }
    }
}

using System.Diagnostics;

namespace Sendcat.ApiService.Chat;

/// <summary>How a turn is found among traces: by its thread, its stream and its message. Ids only, never what is said or who says it.</summary>
internal static class TurnSpan
{
    private static readonly ActivitySource Source = new("Sendcat.Chat");

    /// <summary>The span of the whole turn, below the one of the request that began it and outliving it.</summary>
    public static Activity? Start(TurnStart start, Guid messageId)
    {
        var span = Source.StartActivity("chat turn");
        Name(span, start.ThreadId, start.WireStreamId, messageId);
        span?.SetTag("gen_ai.conversation.id", start.ThreadId);
        return span;
    }

    /// <summary>Marks the span of a request that is about a thread or a turn.</summary>
    /// <param name="streamId">As clients see it.</param>
    public static void Name(Activity? span, Guid threadId, string? streamId = null, Guid? messageId = null)
    {
        // A request has a span of its own also while nobody listens; that one is not recorded.
        if (span is not { Recorded: true, IsAllDataRequested: true })
        {
            return;
        }

        span.SetTag("sendcat.thread.id", threadId);
        span.SetTag("sendcat.stream.id", streamId);
        span.SetTag("sendcat.message.id", messageId);
    }

    public static void End(Activity? span, string status, TurnEnding? ending)
    {
        span?.SetTag("sendcat.turn.status", status);
        if (ending is { } why)
        {
            span?.SetTag("sendcat.turn.ended_by", why.ToString());
        }

        if (status == MessageStatus.Error)
        {
            span?.SetStatus(ActivityStatusCode.Error);
        }
    }
}

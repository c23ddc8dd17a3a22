using System.Diagnostics;

namespace Sendcat.Reliability.Tracing;

/// <summary>
/// Spans for work that is done once for several traces, for instance one commit for many turns or one read for many waiters. The span
/// belongs to the trace of the first waiting span and links to the others. The trace in which the loop that does the work was started does
/// not matter.
/// </summary>
public static class SharedWork
{
    /// <summary>Most links of a span. The SDK allows 128; fewer are enough.</summary>
    private const int MaxLinks = 32;

    private static readonly ActivitySource Source = new("Sendcat.SharedWork");

    /// <summary>
    /// Starts the span. It sets <see cref="Activity.Current"/>, so call it in a separate async method: later calls in that method are
    /// children of the span, or belong to no trace when no waiting span is recorded.
    /// </summary>
    /// <param name="name">Name of the span.</param>
    /// <param name="waiting">The waiting spans; null for a waiter without a span.</param>
    public static Activity? Start(string name, IEnumerable<Activity?> waiting)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        Activity.Current = null;
        ActivityContext[] contexts =
        [
            .. waiting.OfType<Activity>().Where(span => span.Recorded).Select(span => span.Context).Distinct().Take(MaxLinks + 1),
        ];
        return contexts.Length == 0
            ? null
            : Source.StartActivity(
                name, ActivityKind.Internal, contexts[0], links: contexts.Skip(1).Select(context => new ActivityLink(context)));
    }
}

using System.Diagnostics;

namespace Sendcat.Reliability.Tracing;

/// <summary>
/// Work that several traces wait for, done once: the commit of many turns, the read for many waiters. Its span is in the trace of the first of them and links to the others, however long
/// the loop that does the work has been running and whoever started it.
/// </summary>
public static class SharedWork
{
    /// <summary>The SDK keeps 128 links of a span; fewer say as much.</summary>
    private const int MostLinks = 32;

    private static readonly ActivitySource Source = new("Sendcat.SharedWork");

    /// <summary>Call it in an async method of its own: what follows there is below the span, or in no trace at all when nobody who waits is traced.</summary>
    /// <param name="waiting">The spans that wait, as far as there are any.</param>
    public static Activity? Start(string name, IEnumerable<Activity?> waiting)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        Activity.Current = null;
        ActivityContext[] contexts = [.. waiting.OfType<Activity>().Where(span => span.Recorded).Select(span => span.Context).Distinct().Take(MostLinks + 1)];
        return contexts.Length == 0 ? null : Source.StartActivity(name, ActivityKind.Internal, contexts[0], links: contexts.Skip(1).Select(context => new ActivityLink(context)));
    }
}

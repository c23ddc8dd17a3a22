using System.Diagnostics;

namespace Sendcat.Reliability.Tracing;

/// <summary>
/// Spans for rounds of background work: one span for a round that did work, none for an idle round. The span is created when the round
/// ends. The database statements of a round are not traced (the sampler of the telemetry drops them).
/// </summary>
public static class BackgroundRound
{
    private static readonly ActivitySource Source = new("Sendcat.Background");

    /// <summary>Records a round that did work.</summary>
    /// <param name="name">What the round does, for instance <c>sweep tool jobs</c>.</param>
    /// <param name="began">When the round began.</param>
    /// <param name="tags">Tags of the span: counts, or values of small closed sets.</param>
    public static void Record(string name, DateTimeOffset began, params ReadOnlySpan<(string Key, object? Value)> tags)
    {
        if (!Source.HasListeners())
        {
            return;
        }

        using var span = Source.StartActivity(ActivityKind.Internal, parentContext: default, startTime: began, name: name);
        foreach (var (key, value) in tags)
        {
            span?.SetTag(key, value);
        }
    }

    /// <summary>
    /// Starts a span for a rare round that always does work; its calls are children of the span. Dispose the span at the end of the round.
    /// </summary>
    public static Activity? Start(string name) => Source.StartActivity(name);
}

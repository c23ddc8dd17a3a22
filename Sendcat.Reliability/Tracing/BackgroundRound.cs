using System.Diagnostics;

namespace Sendcat.Reliability.Tracing;

/// <summary>
/// One span for a round of background work that did something, and none for one that did not. It is made when the round is over; the statements of the round are no traces of their own (the
/// sampler of the telemetry sees to that).
/// </summary>
public static class BackgroundRound
{
    private static readonly ActivitySource Source = new("Sendcat.Background");

    /// <param name="name">What the round does, for instance <c>sweep tool jobs</c>.</param>
    /// <param name="began">When the round began.</param>
    /// <param name="what">Counts and closed sets.</param>
    public static void Did(string name, DateTimeOffset began, params ReadOnlySpan<(string Key, object? Value)> what)
    {
        if (!Source.HasListeners())
        {
            return;
        }

        using var span = Source.StartActivity(ActivityKind.Internal, parentContext: default, startTime: began, name: name);
        foreach (var (key, value) in what)
        {
            span?.SetTag(key, value);
        }
    }

    /// <summary>For a rare round that is known to do something: what it calls is below this span. Dispose it with the round.</summary>
    public static Activity? Start(string name) => Source.StartActivity(name);
}

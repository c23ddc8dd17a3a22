using System.Diagnostics;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>W3C trace context as it travels with a job: the same one for every attempt, so that retries and replays stay in the trace of the turn that asked.</summary>
/// <param name="Parent"><c>traceparent</c>, or null when nobody traces.</param>
public readonly record struct TraceContext(string? Parent, string? State)
{
    public static readonly ActivitySource Source = new("Sendcat.ToolJobs");

    public static TraceContext Current => Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? new(activity.Id, activity.TraceStateString) : default;

    /// <summary>A span for what was done before it was known for whom: below the one that this context names, from its beginning until now.</summary>
    public void Record(string name, DateTimeOffset began, string key, object value)
    {
        if (ActivityContext.TryParse(Parent, State, isRemote: true, out var parent))
        {
            using var span = Source.StartActivity(ActivityKind.Internal, parent, startTime: began, name: name);
            span?.SetTag(key, value);
        }
    }

    /// <summary>A span below the one that this context names.</summary>
    public Activity? Start(string name, ActivityKind kind) =>
        Source.StartActivity(name, kind, ActivityContext.TryParse(Parent, State, isRemote: true, out var parent) ? parent : default);
}

using System.Diagnostics;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// The W3C trace context of a job. Every attempt uses the same one, so retries and replays stay in the trace of the turn that enqueued the
/// job.
/// </summary>
/// <param name="Parent">The <c>traceparent</c> value, or null when there is no trace.</param>
/// <param name="State">The <c>tracestate</c> value, or null.</param>
public readonly record struct TraceContext(string? Parent, string? State)
{
    public static readonly ActivitySource Source = new("Sendcat.ToolJobs");

    public static TraceContext Current =>
        Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? new(activity.Id, activity.TraceStateString) : default;

    /// <summary>
    /// Records a span that began before its job was known. The span is a child of this context and lasts from <paramref name="began"/>
    /// until now.
    /// </summary>
    public void Record(string name, DateTimeOffset began, string key, object value)
    {
        if (ActivityContext.TryParse(Parent, State, isRemote: true, out var parent))
        {
            using var span = Source.StartActivity(ActivityKind.Internal, parent, startTime: began, name: name);
            span?.SetTag(key, value);
        }
    }

    /// <summary>Starts a span that is a child of this context.</summary>
    public Activity? Start(string name, ActivityKind kind) =>
        Source.StartActivity(name, kind, ActivityContext.TryParse(Parent, State, isRemote: true, out var parent) ? parent : default);
}

using System.Diagnostics.CodeAnalysis;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.Upstreams;

/// <summary>A value from an upstream, or why there is none.</summary>
internal readonly record struct UpstreamAnswer<T>(T? Value, UpstreamError? Error)
    where T : class
{
    [MemberNotNullWhen(true, nameof(Value))]
    [MemberNotNullWhen(false, nameof(Error))]
    public bool IsGood => Error is null;

    public static implicit operator UpstreamAnswer<T>(T value) => new(value, null);

    public static implicit operator UpstreamAnswer<T>(UpstreamError error) => new(null, error);
}

/// <param name="Message">Names the upstream and what it said by status, never by its text.</param>
/// <param name="Retryable">Another job attempt may go better.</param>
internal sealed record UpstreamError(string Message, bool Retryable)
{
    public ToolResult AsResult() => new ToolResult.Refused(Message, Retryable);
}

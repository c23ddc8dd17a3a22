using System.Diagnostics.CodeAnalysis;

namespace Sendcat.Reliability.Outbound;

/// <summary>A value from an upstream, or why there is none.</summary>
public readonly record struct UpstreamAnswer<T>(T? Value, UpstreamError? Error)
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
public sealed record UpstreamError(string Message, bool Retryable)
{
    /// <summary>The HTTP status that it answered with; null: it was not asked, or did not answer.</summary>
    public int? Status { get; init; }

    /// <summary>When to ask again: its circuit is open, its lane is full, or it said so itself.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>It was not asked because we have no key for it.</summary>
    public bool IsMisconfigured { get; init; }

    internal static UpstreamError TooLate(UpstreamPolicy policy) => new($"{policy.Provider}: did not answer in time", Retryable: true);
}

using System.Diagnostics.CodeAnalysis;

namespace Sendcat.Reliability.Outbound;

/// <summary>A value from an upstream, or the error why there is none.</summary>
public readonly record struct UpstreamResult<T>(T? Value, UpstreamError? Error)
    where T : class
{
    [MemberNotNullWhen(true, nameof(Value))]
    [MemberNotNullWhen(false, nameof(Error))]
    public bool IsSuccess => Error is null;

    public static implicit operator UpstreamResult<T>(T value) => new(value, null);

    public static implicit operator UpstreamResult<T>(UpstreamError error) => new(null, error);
}

/// <summary>Why there is no value from an upstream.</summary>
/// <param name="Message">Names the upstream and the HTTP status or kind of failure. It contains no text of the response.</param>
/// <param name="Retryable">Whether another attempt of the job may succeed.</param>
public sealed record UpstreamError(string Message, bool Retryable)
{
    /// <summary>The HTTP status of an unsuccessful response; null when no request was sent or no response arrived.</summary>
    public int? Status { get; init; }

    /// <summary>The provider's name of the error, see <see cref="UpstreamPolicy.ReadErrorCode"/>; null: none is known.</summary>
    public string? Code { get; init; }

    /// <summary>Time until a retry, when the circuit is open, the bulkhead is full, or the upstream sent <c>Retry-After</c>.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>No request was sent, because there is no API key for the upstream.</summary>
    public bool IsMisconfigured { get; init; }

    /// <summary>No request was sent, because all slots of the bulkhead are taken.</summary>
    public bool IsSaturated { get; init; }

    /// <summary>The response was longer than <see cref="UpstreamPolicy.MaxResponseBytes"/>.</summary>
    public bool IsTooLong { get; init; }

    public static UpstreamError TooLate(UpstreamPolicy policy) => new($"{policy.Provider}: did not answer in time", Retryable: true);
}

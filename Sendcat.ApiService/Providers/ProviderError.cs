namespace Sendcat.ApiService.Providers;

/// <summary>A failure of a model call, in a form that clients may see. It never contains text of the provider.</summary>
/// <param name="Code">
/// <c>upstream_quota_exceeded</c>, <c>upstream_rate_limited</c>, <c>upstream_auth</c>, <c>upstream_bad_request</c>,
/// <c>upstream_unavailable</c>, <c>upstream_error</c> or <c>upstream_timeout</c>.
/// </param>
/// <param name="Retryable">
/// The same request may succeed later or on another route. A failure that is not retryable does not fail over, except that a refused key
/// fails over to a route with another account.
/// </param>
/// <param name="RetryAfterMs">Milliseconds after which a retry makes sense; null: unknown.</param>
/// <param name="Status">The provider's HTTP status or numeric error code; null: there was none.</param>
internal sealed record ProviderError(
    string Code, string Message, bool Retryable, int? RetryAfterMs, string ProviderId, string? RouteId, int? Status);

/// <summary>How a failure counts for the circuit of its route.</summary>
internal enum CircuitVerdict
{
    /// <summary>It does not count: the request was at fault, or no request was sent to the route.</summary>
    Neutral,

    Failure,

    /// <summary>The provider refuses our API key.</summary>
    KeyRefused,

    /// <summary>The credit of our account at the provider is used up.</summary>
    QuotaRefused,
}

/// <summary>Why an attempt was not sent to its route.</summary>
internal enum RouteRefusal
{
    CircuitOpen,

    BulkheadFull,

    /// <summary>The circuit is open because the provider refuses our account. A route with the same account is not tried.</summary>
    Suspended,
}

internal static class RouteRefusals
{
    /// <summary>The name in logs and in timelines of turns.</summary>
    public static string Name(this RouteRefusal refusal) => refusal switch
    {
        RouteRefusal.CircuitOpen => "circuit_open",
        RouteRefusal.BulkheadFull => "bulkhead_full",
        RouteRefusal.Suspended => "suspended",
        _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal, null),
    };
}

/// <summary>A model call failed. Cancellation by the caller is an <see cref="OperationCanceledException"/> instead.</summary>
internal sealed class ProviderException(ProviderError error, Exception? inner = null) : Exception(error.Code, inner)
{
    public ProviderError Error { get; } = error;

    /// <summary>The usage that the provider reported before the failure; null: it reported none.</summary>
    public ProviderUsage? Usage { get; init; }

    internal CircuitVerdict Verdict { get; init; }

    /// <summary>
    /// The guard of ours that refused the attempt. No request was sent, and an immediate retry on the same route is useless. Null: no guard
    /// refused.
    /// </summary>
    internal RouteRefusal? RefusedBy { get; init; }

    /// <summary>This attempt or an earlier attempt of the same call was not refused by a guard.</summary>
    internal bool RequestSent { get; set; }
}

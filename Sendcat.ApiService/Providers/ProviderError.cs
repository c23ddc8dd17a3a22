namespace Sendcat.ApiService.Providers;

/// <summary>A failure of the provider in words that a client may see; never the provider's own text.</summary>
/// <param name="Code"><c>upstream_quota_exceeded</c>, <c>upstream_rate_limited</c>, <c>upstream_auth</c>, <c>upstream_bad_request</c>, <c>upstream_unavailable</c>, <c>upstream_error</c> or <c>upstream_timeout</c>.</param>
/// <param name="Retryable">The same request may succeed later or elsewhere; what is not retryable does not fail over either.</param>
/// <param name="Status">The provider's HTTP status or error code, if there was one.</param>
internal sealed record ProviderError(string Code, string Message, bool Retryable, int? RetryAfterMs, string ProviderId, string? RouteId, int? Status);

/// <summary>What a failure says about the health of its route.</summary>
internal enum CircuitVerdict
{
    /// <summary>Nothing: the fault was the request's, or the route was never tried.</summary>
    Neutral,

    Failure,

    /// <summary>Our key is refused.</summary>
    KeyRefused,

    /// <summary>What we have paid for is used up.</summary>
    QuotaRefused,
}

/// <summary>Ends a model call that failed; caller cancellation stays an <see cref="OperationCanceledException"/>.</summary>
internal sealed class ProviderException(ProviderError error, Exception? inner = null) : Exception(error.Code, inner)
{
    public ProviderError Error { get; } = error;

    /// <summary>What the provider had counted before it failed; null when it said nothing.</summary>
    public ProviderUsage? Usage { get; init; }

    internal CircuitVerdict Verdict { get; init; }

    /// <summary>A guard of ours refused; the provider was not asked, so asking again at once is pointless.</summary>
    internal bool Refused { get; init; }

    /// <summary>A guard refused because the provider does not serve our account; a route with the same account need not be tried.</summary>
    internal bool Suspended { get; init; }

    /// <summary>A provider had been asked, now or on an earlier attempt of the same call.</summary>
    internal bool Asked { get; set; }
}

namespace Sendcat.ApiService.Providers;

/// <summary>A failure of the provider in words that a client may see; never the provider's own text.</summary>
/// <param name="Code"><c>upstream_quota_exceeded</c>, <c>upstream_rate_limited</c>, <c>upstream_auth</c>, <c>upstream_bad_request</c>, <c>upstream_unavailable</c>, <c>upstream_error</c> or <c>upstream_timeout</c>.</param>
/// <param name="Status">The provider's HTTP status or error code, if there was one.</param>
internal sealed record ProviderError(string Code, string Message, bool Retryable, int? RetryAfterMs, string ProviderId, string? RouteId, int? Status);

/// <summary>Ends a model call that failed; caller cancellation stays an <see cref="OperationCanceledException"/>.</summary>
internal sealed class ProviderException(ProviderError error, Exception? inner = null) : Exception(error.Code, inner)
{
    public ProviderError Error { get; } = error;
}

namespace Sendcat.ApiService.Providers;

/// <summary>Maps the failures of one route to errors that clients may see and to verdicts for the circuit.</summary>
internal readonly record struct ProviderFaults(string RouteId)
{
    public const string ProviderId = "openrouter";

    /// <summary>
    /// Retry delay in milliseconds that is reported after a timeout. The provider gives none, so the value is an estimate.
    /// </summary>
    public const int TimeoutRetryAfterMs = 1000;

    private const string Unexpected = "The model provider answered in an unexpected way. Please try again.";

    /// <summary>A response status other than 2xx, or an <c>error</c> object with an integer code inside a stream with status 200.</summary>
    public ProviderException Status(int status, int? retryAfterMs = null) => status switch
    {
        402 => Fault(
            "upstream_quota_exceeded", "The assistant's budget at its model provider is used up. Please try again later.",
            true, retryAfterMs, status, CircuitVerdict.QuotaRefused),
        429 => Fault(
            "upstream_rate_limited", "The model provider is receiving too many requests. Please try again in a moment.",
            true, retryAfterMs, status, CircuitVerdict.Failure),
        401 => Fault(
            "upstream_auth", "The assistant could not sign in to its model provider.", false, null, status, CircuitVerdict.KeyRefused),
        403 => Fault(
            "upstream_bad_request", "The model provider declined this request because of its content. Please rephrase it.",
            false, null, status),
        400 or 404 or 422 => Fault("upstream_bad_request", "The model provider did not accept this request.", false, null, status),
        >= 500 => Fault(
            "upstream_unavailable", "The model provider is unavailable. Please try again in a moment.",
            true, retryAfterMs, status, CircuitVerdict.Failure),
        408 or 425 => Fault("upstream_error", Unexpected, true, retryAfterMs, status, CircuitVerdict.Failure),
        _ => Fault("upstream_error", Unexpected, true, retryAfterMs, status),
    };

    /// <summary>
    /// An <c>error</c> object inside the stream. An integer code is an HTTP status; a text is an error type of the provider.
    /// </summary>
    public ProviderException InStream(int? status, string? errorType) => (status, errorType) switch
    {
        ( >= 400, _) => Status(status.Value),
        (_, "payment_required" or "insufficient_quota" or "insufficient_credits") => Status(402),
        (_, "rate_limit_exceeded" or "rate_limited") => Status(429),
        (_, "authentication" or "authentication_error" or "invalid_api_key") => Status(401),
        (_, "content_policy_violation" or "permission_denied" or "forbidden") => Status(403),
        (_, "invalid_request" or "invalid_request_error" or "context_length_exceeded" or "not_found") => Status(400),
        (_, "provider_overloaded" or "provider_unavailable" or "overloaded_error") => Status(503),
        (_, "timeout") => Timeout(),
        _ => Broken(),
    };

    /// <summary>The headers timeout, the idle timeout or the total timeout has elapsed.</summary>
    public ProviderException Timeout(Exception? inner = null) =>
        Fault(
            "upstream_timeout", "The model provider took too long to answer. Please try again.",
            true, TimeoutRetryAfterMs, null, CircuitVerdict.Failure, inner);

    /// <summary>
    /// The connection failed, or the response was incomplete or invalid: truncated, not JSON, or with a line over the size limit.
    /// </summary>
    public ProviderException Broken(Exception? inner = null) =>
        Fault(
            "upstream_error", "The model provider's answer broke off. Please try again.", true, null, null, CircuitVerdict.Failure, inner);

    /// <summary>The route's circuit is open or its bulkhead is full. No request was sent.</summary>
    public ProviderException Refused(TimeSpan retryAfter, RouteRefusal refusal)
    {
        var retryAfterMs = Math.Max(1, Milliseconds(retryAfter));
        var error = new ProviderError(
            "upstream_unavailable", "The model provider is busy. Please try again in a moment.", true, retryAfterMs, ProviderId, RouteId,
            null);
        return new(error) { RefusedBy = refusal };
    }

    /// <summary>A file of the conversation could not be read while the request was sent. The route is not at fault.</summary>
    public ProviderException FileUnavailable(Exception inner) =>
        Fault(
            "upstream_unavailable", "A file of this chat could not be read. Please try again.", true, TimeoutRetryAfterMs, null,
            CircuitVerdict.Neutral, inner);

    /// <summary>The requested text cannot be a model id. No request was sent.</summary>
    public ProviderException BadModel() => Fault("upstream_bad_request", "There is no such model.", false, null, null);

    /// <summary>The time in whole milliseconds, rounded up.</summary>
    public static int Milliseconds(TimeSpan time) => (int)Math.Min(Math.Ceiling(time.TotalMilliseconds), int.MaxValue);

    private ProviderException Fault(
        string code, string message, bool retryable, int? retryAfterMs, int? status, CircuitVerdict verdict = CircuitVerdict.Neutral,
        Exception? inner = null) =>
        new(new ProviderError(code, message, retryable, retryAfterMs, ProviderId, RouteId, status), inner) { Verdict = verdict };
}

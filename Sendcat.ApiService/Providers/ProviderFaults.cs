using System.Net.Http.Headers;

namespace Sendcat.ApiService.Providers;

/// <summary>The taxonomy of upstream failures on one route: condition in, client-safe words and the circuit's verdict out.</summary>
internal readonly record struct ProviderFaults(string RouteId)
{
    public const string ProviderId = "openrouter";

    /// <summary>A timeout says nothing about when to come back; this is a polite guess.</summary>
    public const int TimeoutRetryAfterMs = 1000;

    private const string Unexpected = "The model provider answered in an unexpected way. Please try again.";

    /// <summary>An answer other than 2xx, or an <c>error</c> object with an integer code inside a 200 stream.</summary>
    public ProviderException Status(int status, int? retryAfterMs = null) => status switch
    {
        402 => Fault("upstream_quota_exceeded", "The assistant's budget at its model provider is used up. Please try again later.", true, retryAfterMs, status, CircuitVerdict.QuotaRefused),
        429 => Fault("upstream_rate_limited", "The model provider is receiving too many requests. Please try again in a moment.", true, retryAfterMs, status, CircuitVerdict.Failure),
        401 => Fault("upstream_auth", "The assistant could not sign in to its model provider.", false, null, status, CircuitVerdict.KeyRefused),
        403 => Fault("upstream_bad_request", "The model provider declined this request because of its content. Please rephrase it.", false, null, status),
        400 or 404 or 422 => Fault("upstream_bad_request", "The model provider did not accept this request.", false, null, status),
        >= 500 => Fault("upstream_unavailable", "The model provider is unavailable. Please try again in a moment.", true, retryAfterMs, status, CircuitVerdict.Failure),
        408 or 425 => Fault("upstream_error", Unexpected, true, retryAfterMs, status, CircuitVerdict.Failure),
        _ => Fault("upstream_error", Unexpected, true, retryAfterMs, status),
    };

    /// <summary>An <c>error</c> object inside the stream: integer codes are HTTP statuses, words are the provider's types.</summary>
    public ProviderException InStream(int? status, string? word) => (status, word) switch
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

    /// <summary>No headers in the route's time, no bytes in the idle time, or no end in the total time.</summary>
    public ProviderException Timeout(Exception? inner = null) =>
        Fault("upstream_timeout", "The model provider took too long to answer. Please try again.", true, TimeoutRetryAfterMs, null, CircuitVerdict.Failure, inner);

    /// <summary>The connection failed, or what came over it was no whole answer: truncated, not JSON, a gigantic line.</summary>
    public ProviderException Broken(Exception? inner = null) =>
        Fault("upstream_error", "The model provider's answer broke off. Please try again.", true, null, null, CircuitVerdict.Failure, inner);

    /// <summary>The route's circuit is open or its bulkhead is full.</summary>
    /// <param name="suspended">The circuit is open because the provider refuses our account.</param>
    public ProviderException Refused(TimeSpan retryAfter, bool suspended = false)
    {
        var retryAfterMs = Math.Max(1, (int)Math.Min(Math.Ceiling(retryAfter.TotalMilliseconds), int.MaxValue));
        return new(new ProviderError("upstream_unavailable", "The model provider is busy. Please try again in a moment.", true, retryAfterMs, ProviderId, RouteId, null)) { Refused = true, Suspended = suspended };
    }

    /// <summary>What was asked for cannot be the id of a model; nobody was asked.</summary>
    public ProviderException BadModel() => Fault("upstream_bad_request", "There is no such model.", false, null, null);

    /// <summary>Milliseconds of <c>Retry-After</c>: positive whole seconds or an HTTP date in the future, else null.</summary>
    public static int? RetryAfterMs(HttpResponseHeaders headers, DateTimeOffset now)
    {
        var value = headers.RetryAfter;
        var wait = value?.Delta ?? value?.Date - now;
        return wait is { } span && span > TimeSpan.Zero ? (int)Math.Min(Math.Ceiling(span.TotalMilliseconds), int.MaxValue) : null;
    }

    private ProviderException Fault(
        string code, string message, bool retryable, int? retryAfterMs, int? status, CircuitVerdict verdict = CircuitVerdict.Neutral, Exception? inner = null) =>
        new(new ProviderError(code, message, retryable, retryAfterMs, ProviderId, RouteId, status), inner) { Verdict = verdict };
}

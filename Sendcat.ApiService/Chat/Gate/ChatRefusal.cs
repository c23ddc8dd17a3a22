using Sendcat.ApiService.Http;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>The error responses of refused turns: each limit has its own reason and its own text.</summary>
internal static class ChatRefusal
{
    private static readonly Dictionary<string, RateLimitBucket> Windows =
        Enum.GetValues<RateLimitBucket>().ToDictionary(RateLimitBuckets.Name, StringComparer.Ordinal);

    /// <returns>503 when the provider's slots are taken or Redis is unavailable, else 429.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No text is defined for this reason.</exception>
    public static ApiError Of(AdmissionDecision.Denied denied) => denied.Reason switch
    {
        AdmissionReason.SameMessage =>
            ApiError.UpstreamUnavailable(denied.RetryAfter, denied.Reason, "Another request with this message is starting its answer"),
        AdmissionReason.UserInFlight => ApiError.RateLimited(
            denied.RetryAfter, denied.Reason, "Another answer of yours is still running. Stop it, or wait until it ends"),
        AdmissionReason.AddressInFlight =>
            ApiError.RateLimited(denied.RetryAfter, denied.Reason, "Your network has as many answers running as it may have"),
        AdmissionReason.GuestInFlight => ApiError.RateLimited(denied.RetryAfter, denied.Reason, "All places for guests are taken"),
        AdmissionReason.GlobalInFlight => ApiError.RateLimited(denied.RetryAfter, denied.Reason, "All places are taken"),
        AdmissionReason.GlobalMessageRate or AdmissionReason.GlobalToolRate =>
            ApiError.RateLimited(denied.RetryAfter, denied.Reason, "Too many answers are starting at this moment"),
        AdmissionReason.RedisUnavailable =>
            ApiError.UpstreamUnavailable(denied.RetryAfter, denied.Reason, "The service cannot check its limits at the moment"),
        Bulkheads.Reason =>
            ApiError.UpstreamUnavailable(denied.RetryAfter, denied.Reason, "The model provider has as many answers running as it may have"),
        _ when Windows.TryGetValue(denied.Reason, out var window) => Of(window, denied.RetryAfter),
        _ => throw new ArgumentOutOfRangeException(nameof(denied), denied.Reason, "Unknown reason of a refusal."),
    };

    /// <returns>The error of a turn that cannot pay for its first model call.</returns>
    public static ApiError Of(ReservationRefusal refusal) => refusal.Reason == RefusalReason.PriceUnknown
        ? ApiError.UpstreamUnavailable(refusal.RetryAfter, refusal.Reason, "The price of the model is unknown")
        : Of(new AdmissionDecision.Denied(AdmissionMode.Enforce, refusal.Reason, refusal.RetryAfter));

    /// <returns>The 429 error of a window or budget that a turn counts in.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Turns do not count in this bucket.</exception>
    public static ApiError Of(RateLimitBucket bucket, TimeSpan retryAfter) => ApiError.RateLimited(retryAfter, bucket.Name(), bucket switch
    {
        RateLimitBucket.ChatStream => "You have started as many answers as the limit allows",
        RateLimitBucket.ChatIp => "Your network has sent as many requests as the limit allows",
        RateLimitBucket.ChatTokens => "Your budget of tokens is used up",
        RateLimitBucket.ChatAddressTokens => "The budget of tokens of your network is used up",
        RateLimitBucket.ChatGlobalTokens => "The budget of tokens of the service is used up",
        RateLimitBucket.ChatMoney => "Your budget of money is used up",
        _ => throw new ArgumentOutOfRangeException(nameof(bucket), bucket, "Turns do not count in this bucket."),
    });
}

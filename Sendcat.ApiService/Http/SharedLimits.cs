using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Checks budgets against rate-limit windows that all replicas share. A flood from one address is denied by the window of this process
/// first, without a request to Redis.
/// </summary>
internal static class SharedLimits
{
    public static LimitCheck Of(RateLimiter limiter, LocalAddressLimiter addresses) => async (http, budget, keys, cancellationToken) =>
    {
        var isAddress = ClientAddress.IsAddress(keys[0].Name);
        var bucket = BucketOf(budget, isAddress);
        if (isAddress && addresses.Check(http, bucket, keys) is { } wait)
        {
            return wait;
        }

        var decision = await limiter.CheckAsync(bucket, keys, cancellationToken, RouteTemplate.Of(http), http.Request.Method);
        return decision.Allowed ? null : decision.RetryAfter;
    };

    /// <summary>
    /// Many principals may share one address (NAT). Budgets of a principal therefore use the larger chat bucket when they count by address.
    /// </summary>
    private static RateLimitBucket BucketOf(string budget, bool isAddress) => budget switch
    {
        RequestBudget.AnonymousSession => RateLimitBucket.AnonymousSession,
        RequestBudget.PasswordReset when !isAddress => RateLimitBucket.PasswordReset,
        RequestBudget.Registration or RequestBudget.SignIn or RequestBudget.PasswordReset => RateLimitBucket.Auth,
        RequestBudget.Writing => RateLimitBucket.ChatIp,
        RequestBudget.Reading => RateLimitBucket.Reads,
        RequestBudget.ThreadCreate or RequestBudget.Shopping or RequestBudget.Upload when isAddress => RateLimitBucket.ChatIp,
        RequestBudget.ThreadCreate => RateLimitBucket.ThreadCreate,
        RequestBudget.Shopping => RateLimitBucket.Shopping,
        RequestBudget.GmailConsent => RateLimitBucket.GmailOAuthCallback,
        RequestBudget.Upload => RateLimitBucket.Uploads,
        RequestBudget.GmailPush => RateLimitBucket.GmailPush,
        RequestBudget.WhatsAppWebhook => RateLimitBucket.WhatsAppWebhook,
        RequestBudget.ResendWebhook => RateLimitBucket.ResendWebhook,
        RequestBudget.WhatsAppLinkingCode => RateLimitBucket.WhatsAppLinkingCode,
        _ => throw new ArgumentOutOfRangeException(nameof(budget), budget, "Unknown request budget."),
    };
}

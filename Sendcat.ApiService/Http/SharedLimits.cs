using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Http;

/// <summary>Budgets are windows that all replicas share. Loopback is this machine and has no budget of addresses: a proxy on it speaks for its clients through <c>TRUSTED_PROXIES</c>.</summary>
internal static class SharedLimits
{
    public static LimitCheck Of(RateLimiter limiter) => async (http, budget, key, cancellationToken) =>
    {
        if (ClientAddress.IsLoopback(key))
        {
            return null;
        }

        var decision = await limiter.CheckAsync(BucketOf(budget, key), key, cancellationToken, RouteTemplate.Of(http), http.Request.Method);
        return decision.Allowed ? null : decision.RetryAfter;
    };

    /// <summary>Behind one address may live a whole island: what a principal may do alone, its address may do as often as it may chat.</summary>
    private static RateLimitBucket BucketOf(string budget, string key) => budget switch
    {
        Budget.AnonymousSession => RateLimitBucket.AnonymousSession,
        Budget.PasswordReset when !ClientAddress.IsAddress(key) => RateLimitBucket.PasswordReset,
        Budget.Registration or Budget.SignIn or Budget.PasswordReset => RateLimitBucket.Auth,
        Budget.Writing => RateLimitBucket.ChatIp,
        Budget.ThreadCreate or Budget.Shopping when ClientAddress.IsAddress(key) => RateLimitBucket.ChatIp,
        Budget.ThreadCreate => RateLimitBucket.ThreadCreate,
        Budget.Shopping => RateLimitBucket.Shopping,
        _ => throw new ArgumentOutOfRangeException(nameof(budget), budget, "No such budget."),
    };
}

using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Http;

/// <summary>Budgets are windows that all replicas share. A flood from one address ends at the window of this process, before Redis is asked.</summary>
internal static class SharedLimits
{
    public static LimitCheck Of(RateLimiter limiter, AddressWindows addresses) => async (http, budget, keys, cancellationToken) =>
    {
        var isAddress = ClientAddress.IsAddress(keys[0].Name);
        var bucket = BucketOf(budget, isAddress);
        if (isAddress && addresses.Refuses(http, bucket, keys) is { } wait)
        {
            return wait;
        }

        var decision = await limiter.CheckAsync(bucket, keys, cancellationToken, RouteTemplate.Of(http), http.Request.Method);
        return decision.Allowed ? null : decision.RetryAfter;
    };

    /// <summary>Behind one address may live a whole island: what a principal may do alone, its address may do as often as it may chat.</summary>
    private static RateLimitBucket BucketOf(string budget, bool isAddress) => budget switch
    {
        RequestBudget.AnonymousSession => RateLimitBucket.AnonymousSession,
        RequestBudget.PasswordReset when !isAddress => RateLimitBucket.PasswordReset,
        RequestBudget.Registration or RequestBudget.SignIn or RequestBudget.PasswordReset => RateLimitBucket.Auth,
        RequestBudget.Writing => RateLimitBucket.ChatIp,
        RequestBudget.Reading => RateLimitBucket.Reads,
        RequestBudget.ThreadCreate or RequestBudget.Shopping when isAddress => RateLimitBucket.ChatIp,
        RequestBudget.ThreadCreate => RateLimitBucket.ThreadCreate,
        RequestBudget.Shopping => RateLimitBucket.Shopping,
        _ => throw new ArgumentOutOfRangeException(nameof(budget), budget, "No such budget."),
    };
}

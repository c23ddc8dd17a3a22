using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Http;

/// <summary>Counts one request on a budget. The result is the time to wait, or null when the request is within the budget.</summary>
/// <param name="http">The request; its route and method are recorded with a denial.</param>
/// <param name="budget">A name of <see cref="RequestBudget"/>.</param>
/// <param name="keys">The owners of the budget, at least one: a principal, or an address and its networks.</param>
internal delegate ValueTask<TimeSpan?> LimitCheck(
    HttpContext http, string budget, IReadOnlyList<LimitKey> keys, CancellationToken cancellationToken);

/// <summary>Denies requests over their budget with 429.</summary>
internal sealed class RequestLimits(LimitCheck check)
{
    public async ValueTask<ApiError?> RefusalAsync(HttpContext http, string budget, string key, CancellationToken cancellationToken) =>
        await check(http, budget, [new(key)], cancellationToken) is { } wait ? ApiError.RateLimited(wait, budget) : null;

    /// <summary>Counts the request on the budget of its network address.</summary>
    public async ValueTask<ApiError?> AddressRefusalAsync(HttpContext http, string budget) =>
        ClientAddress.LimitKeysOf(http) is { Length: > 0 } keys && await check(http, budget, keys, http.RequestAborted) is { } wait
            ? ApiError.RateLimited(wait, budget)
            : null;
}

internal static class RequestLimitFilter
{
    /// <summary>Counts requests on the budget of their network address, before the body is read.</summary>
    public static RouteHandlerBuilder RequireLimit(this RouteHandlerBuilder route, string budget) =>
        route.AddEndpointFilter(async (context, next) =>
        {
            var http = context.HttpContext;
            return await http.RequestServices.GetRequiredService<RequestLimits>().AddressRefusalAsync(http, budget) is { } refusal
                ? refusal
                : await next(context);
        });
}

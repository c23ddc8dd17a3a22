using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Http;

/// <summary>Draws one request on a budget. The answer is the time to wait, or null for a request that may go on.</summary>
/// <param name="http">The request: a refusal is recorded with its route and method.</param>
/// <param name="keys">Whose budget it is, one at least: a principal's, or an address's with those of its networks.</param>
internal delegate ValueTask<TimeSpan?> LimitCheck(HttpContext http, string budget, IReadOnlyList<LimitKey> keys, CancellationToken cancellationToken);

/// <summary>Refuses requests over their budget with 429.</summary>
internal sealed class RequestLimits(LimitCheck check)
{
    public async ValueTask<ApiError?> RefusalAsync(HttpContext http, string budget, string key, CancellationToken cancellationToken) =>
        await check(http, budget, [new(key)], cancellationToken) is { } wait ? ApiError.RateLimited(wait) : null;

    /// <summary>Counts the request by the address that it comes from.</summary>
    public async ValueTask<ApiError?> AddressRefusalAsync(HttpContext http, string budget) =>
        ClientAddress.LimitsOf(http) is { Length: > 0 } keys && await check(http, budget, keys, http.RequestAborted) is { } wait ? ApiError.RateLimited(wait) : null;
}

internal static class RequestLimitFilter
{
    /// <summary>Counts requests by the address they come from, before anything of them is read.</summary>
    public static RouteHandlerBuilder RequireLimit(this RouteHandlerBuilder route, string budget) =>
        route.AddEndpointFilter(async (context, next) =>
        {
            var http = context.HttpContext;
            return await http.RequestServices.GetRequiredService<RequestLimits>().AddressRefusalAsync(http, budget) is { } refusal ? refusal : await next(context);
        });
}

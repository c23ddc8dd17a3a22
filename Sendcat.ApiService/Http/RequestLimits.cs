namespace Sendcat.ApiService.Http;

/// <summary>Draws one request on a budget. The answer is the time to wait, or null for a request that may go on.</summary>
/// <param name="http">The request: a refusal is recorded with its route and method.</param>
internal delegate ValueTask<TimeSpan?> LimitCheck(HttpContext http, string budget, string key, CancellationToken cancellationToken);

/// <summary>Refuses requests over their budget with 429.</summary>
internal sealed class RequestLimits(LimitCheck check)
{
    public async ValueTask<ApiError?> RefusalAsync(HttpContext http, string budget, string key, CancellationToken cancellationToken) =>
        await check(http, budget, key, cancellationToken) is { } wait ? ApiError.RateLimited(wait) : null;
}

internal static class RequestLimitFilter
{
    /// <summary>Counts requests by the address they come from, before anything of them is read.</summary>
    public static RouteHandlerBuilder RequireLimit(this RouteHandlerBuilder route, string budget) =>
        route.AddEndpointFilter(async (context, next) =>
        {
            var http = context.HttpContext;
            var limits = http.RequestServices.GetRequiredService<RequestLimits>();
            return await limits.RefusalAsync(http, budget, ClientAddress.KeyOf(http), http.RequestAborted) is { } refusal ? refusal : await next(context);
        });
}

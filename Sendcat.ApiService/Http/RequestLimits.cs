namespace Sendcat.ApiService.Http;

/// <summary>Draws one request on a budget. The answer is the time to wait, or null for a request that may go on.</summary>
internal delegate ValueTask<TimeSpan?> LimitCheck(string budget, string key, CancellationToken cancellationToken);

/// <summary>Refuses requests over their budget with 429.</summary>
internal sealed class RequestLimits(LimitCheck check)
{
    public async ValueTask<ApiError?> RefusalAsync(string budget, string key, CancellationToken cancellationToken) =>
        await check(budget, key, cancellationToken) is { } wait ? ApiError.RateLimited(wait) : null;
}

internal static class RequestLimitFilter
{
    /// <summary>Counts requests by the address they come from, before anything of them is read.</summary>
    public static RouteHandlerBuilder RequireLimit(this RouteHandlerBuilder route, string budget) =>
        route.AddEndpointFilter(async (context, next) =>
        {
            var http = context.HttpContext;
            var limits = http.RequestServices.GetRequiredService<RequestLimits>();
            return await limits.RefusalAsync(budget, ClientAddress.KeyOf(http), http.RequestAborted) is { } refusal ? refusal : await next(context);
        });
}

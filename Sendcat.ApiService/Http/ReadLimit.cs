namespace Sendcat.ApiService.Http;

/// <summary>
/// Counts every GET and HEAD under <c>/api</c> on the read budget of its address, and responds 429 beyond it. It is middleware and not a
/// filter of each route, so that no route can lack it.
/// </summary>
internal sealed class ReadLimit(RequestLimits limits)
{
    private static readonly PathString Api = "/api";

    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        if (IsRead(http.Request) && await limits.AddressRefusalAsync(http, RequestBudget.Reading) is { } refusal)
        {
            await refusal.ExecuteAsync(http);
            return;
        }

        await next(http);
    }

    private static bool IsRead(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        && request.Path.StartsWithSegments(Api, StringComparison.OrdinalIgnoreCase);
}

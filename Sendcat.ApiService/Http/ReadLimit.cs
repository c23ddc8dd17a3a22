namespace Sendcat.ApiService.Http;

/// <summary>Whatever is read under <c>/api</c> draws on the read budget of its address: in the pipeline rather than at the routes, so that no route can be forgotten.</summary>
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
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && request.Path.StartsWithSegments(Api, StringComparison.OrdinalIgnoreCase);
}

namespace Sendcat.ApiService.Http;

/// <summary>
/// Sets the security and cache headers of every response before the request is handled. Responses under <c>/api</c> belong to one caller
/// and must not be stored; streams must not be transformed either, because a proxy that compresses a stream delays its events. Endpoints
/// with other needs (exports) overwrite the headers.
/// </summary>
internal static class ResponseHeaders
{
    public const string EventStream = "text/event-stream";

    private const string ApiContentPolicy = "default-src 'none'; frame-ancestors 'none'";

    public static void Set(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        if (http.Request.IsHttps)
        {
            headers.StrictTransportSecurity = "max-age=31536000";
        }

        if (http.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase))
        {
            headers.CacheControl = "no-store";
            headers.ContentSecurityPolicy = ApiContentPolicy;
            http.Response.OnStarting(static state => ForbidTransformationOfStreams((HttpResponse)state), http.Response);
        }
    }

    private static Task ForbidTransformationOfStreams(HttpResponse response)
    {
        if (response.ContentType?.StartsWith(EventStream, StringComparison.OrdinalIgnoreCase) == true)
        {
            response.Headers.CacheControl = "no-store, no-transform";
        }

        return Task.CompletedTask;
    }
}

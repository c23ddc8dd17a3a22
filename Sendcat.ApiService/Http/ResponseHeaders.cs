namespace Sendcat.ApiService.Http;

/// <summary>
/// Sets the security and cache headers of every response before the request is handled. Responses under <c>/api</c> belong to one caller
/// and must not be stored. Endpoints with other needs (streams, exports) overwrite the headers.
/// </summary>
internal static class ResponseHeaders
{
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
        }
    }
}

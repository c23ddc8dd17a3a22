namespace Sendcat.ApiService.Http;

/// <summary>
/// What every answer says to browsers and caches, before anything is known of it. Answers under <c>/api</c> are one person's and are not stored; whoever knows better (a stream, an export) says so itself.
/// </summary>
internal static class ResponseHeaders
{
    private const string NoContent = "default-src 'none'; frame-ancestors 'none'";

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
            headers.ContentSecurityPolicy = NoContent;
        }
    }
}

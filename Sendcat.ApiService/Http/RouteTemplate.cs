namespace Sendcat.ApiService.Http;

/// <summary>The route pattern of a request instead of its path, so that ids and tokens in paths do not reach logs and tables.</summary>
internal static class RouteTemplate
{
    public static string Of(HttpContext http) => (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText?.TrimEnd('/') ?? "(no route)";
}

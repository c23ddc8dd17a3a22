namespace Sendcat.ApiService.Http;

/// <summary>The pattern rather than the path: ids and tokens in a path stay out of logs and tables.</summary>
internal static class RouteTemplate
{
    public static string Of(HttpContext http) => (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText?.TrimEnd('/') ?? "(no route)";
}

using Microsoft.Extensions.Options;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Decides which web origins may call, and sets the CORS headers. It is the first middleware of the pipeline, so that error responses carry
/// the same headers as successful ones.
/// </summary>
/// <remarks>
/// Outside Development no origin may call until <c>ALLOWED_ORIGINS</c> names it. An empty list does not stop the start: programs and apps
/// send no Origin and do not need the setting. In Development, <c>localhost</c>, <c>127.0.0.1</c> and <c>[::1]</c> are one host, and a page
/// that the API itself serves on them may call it. Elsewhere the API does not know its own origin: the Host header of a request is no
/// proof, because any site can point its name at this address.
/// </remarks>
internal sealed class OriginPolicy(IOptionsMonitor<OriginOptions> options, IHostEnvironment environment, RefusedOrigins refused)
{
    private const string LocalOrigins = "http://localhost:3000,http://localhost:3100,http://localhost:5173";

    private const string ExposedHeaders =
        "x-sendcat-error-code, x-sendcat-error-reason, x-sendcat-thread-id, Retry-After, Content-Disposition, "
        + "x-vercel-ai-ui-message-stream";
    private const string AcceptedHeaders = "Content-Type, Authorization, x-sendcat-session, Idempotency-Key, Last-Event-ID";

    /// <summary>
    /// Paths that every origin may call: their responses depend on no caller and change nothing. Every other path is checked, also with
    /// unusual spelling.
    /// </summary>
    private static readonly PathString[] OpenPaths = ["/health", "/alive"];

    private static readonly PathString Chat = "/api/chat";
    private static readonly PathString ChatAbort = "/api/chat/abort";
    private static readonly PathString ChatHealth = "/api/chat/health";

    private OriginList _cached = new("", []);

    /// <summary>True when at least one origin may call.</summary>
    public bool HasAny => Origins().Count > 0;

    private string Source =>
        options.CurrentValue.AllowedOrigins is { Length: > 0 } configured ? configured : environment.IsDevelopment() ? LocalOrigins : "";

    /// <summary>The address of a page that a browser may be sent to.</summary>
    /// <param name="page">
    /// A path on the first allowed origin, or the address of a page of an allowed origin; null or empty: the root of the first allowed
    /// origin.
    /// </param>
    /// <returns>The absolute address; null for every other text, and when no origin may call.</returns>
    public string? PageAddress(string? page)
    {
        page = string.IsNullOrEmpty(page) ? "/" : page;
        if (page[0] == '/')
        {
            page = FirstOrigin() + page;
        }

        return !page.Contains('\\', StringComparison.Ordinal)
            && WebAddress.Of(page) is not null && Uri.TryCreate(page, UriKind.Absolute, out var address)
            && address.UserInfo.Length == 0 && Origins().Contains(SameHost(OriginOf(address)))
                ? address.AbsoluteUri
                : null;
    }

    /// <summary>True for a missing Origin, for one that is on the list, and in Development for that of the API itself.</summary>
    private bool Permits(HttpRequest request)
    {
        var origin = request.Headers.Origin;
        return origin.Count == 0 || (origin.Count == 1 && (Origins().Contains(SameHost(origin[0]!)) || IsOwn(request, origin[0]!)));
    }

    public Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var origin = http.Request.Headers.Origin;
        var permitted = Permits(http.Request);
        var headers = http.Response.Headers;
        headers.Vary = "Origin";
        if (permitted && origin.Count == 1)
        {
            headers.AccessControlAllowOrigin = origin;
            headers.AccessControlAllowCredentials = "true";
            headers.AccessControlExposeHeaders = ExposedHeaders;
        }

        if (Array.Exists(OpenPaths, path => http.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase)))
        {
            return next(http);
        }

        if (!permitted)
        {
            refused.Report(origin.ToString());
        }

        return HttpMethods.IsOptions(http.Request.Method) ? RespondToOptionsAsync(http, permitted)
            : permitted ? next(http)
            : ApiError.Forbidden("This origin may not call").ExecuteAsync(http);
    }

    /// <summary>
    /// Responds 204 to a preflight of any origin; only a permitted origin gets the <c>Access-Control-Allow</c> headers.
    /// <c>/api/chat/health</c> responds 200, and 403 to an origin that is not permitted.
    /// </summary>
    private static Task RespondToOptionsAsync(HttpContext http, bool permitted)
    {
        var isHealth = http.Request.Path == ChatHealth;
        if (isHealth && !permitted)
        {
            return ApiError.Forbidden("This origin may not call").ExecuteAsync(http);
        }

        http.Response.StatusCode = isHealth ? StatusCodes.Status200OK : StatusCodes.Status204NoContent;
        if (permitted && http.Request.Headers.Origin.Count == 1)
        {
            http.Response.Headers.AccessControlAllowMethods = MethodsOf(http.Request.Path);
            http.Response.Headers.AccessControlAllowHeaders = AcceptedHeaders;
            http.Response.Headers.AccessControlMaxAge = "600";
        }

        return Task.CompletedTask;
    }

    private static string MethodsOf(PathString path) =>
        path == ChatHealth ? "GET, OPTIONS"
        : path == Chat || path == ChatAbort ? "POST, GET, OPTIONS"
        : "GET, POST, PUT, PATCH, DELETE, OPTIONS";

    private HashSet<string> Origins()
    {
        var source = Source;
        var current = _cached;
        if (!string.Equals(current.Source, source, StringComparison.Ordinal))
        {
            current = new(
                source,
                source.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(SameHost)
                    .ToHashSet(StringComparer.Ordinal));
            _cached = current;
        }

        return current.Origins;
    }

    private string? FirstOrigin() =>
        Source.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();

    /// <summary>The origin of a page, as a browser sends it.</summary>
    private static string OriginOf(Uri page)
    {
        var host = page.HostNameType is UriHostNameType.IPv6 ? page.Host : page.IdnHost;
        return page.IsDefaultPort ? $"{page.Scheme}://{host}" : $"{page.Scheme}://{host}:{page.Port}";
    }

    private bool IsOwn(HttpRequest request, string origin) =>
        environment.IsDevelopment()
        && Uri.TryCreate(origin, UriKind.Absolute, out var page) && page.IsLoopback
        && SameHost(origin) == SameHost($"{request.Scheme}://{request.Host}");

    /// <summary>In Development, an origin on this machine has the host <c>localhost</c>. Every other origin is unchanged.</summary>
    private string SameHost(string origin) =>
        environment.IsDevelopment() && Uri.TryCreate(origin, UriKind.Absolute, out var page) && page.IsLoopback
            ? $"{page.Scheme}://localhost:{page.Port}"
            : origin;

    private sealed record OriginList(string Source, HashSet<string> Origins);
}

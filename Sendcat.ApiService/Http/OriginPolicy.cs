using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Decides which web origins may call, and sets the CORS headers. It is the first middleware of the pipeline, so that error responses carry
/// the same headers as successful ones.
/// </summary>
/// <remarks>
/// Outside Development no origin may call until <c>ALLOWED_ORIGINS</c> names it. An empty list does not stop the start: programs and apps
/// send no Origin and do not need the setting.
/// </remarks>
internal sealed class OriginPolicy(IOptionsMonitor<OriginOptions> options, IHostEnvironment environment)
{
    private const string LocalOrigins = "http://localhost:3000,http://localhost:3100,http://localhost:5173";

    private const string ExposedHeaders = "x-sendcat-error-code, x-sendcat-error-reason, x-sendcat-thread-id, Retry-After, x-vercel-ai-ui-message-stream";
    private const string AcceptedHeaders = "Content-Type, Authorization, x-sendcat-session, Idempotency-Key";

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

    private string Source => options.CurrentValue.AllowedOrigins is { Length: > 0 } configured ? configured : environment.IsDevelopment() ? LocalOrigins : "";

    /// <summary>True for a missing Origin and for one that is on the list.</summary>
    public bool Permits(StringValues origin) => origin.Count == 0 || (origin.Count == 1 && Origins().Contains(origin[0]!));

    public Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var origin = http.Request.Headers.Origin;
        var permitted = Permits(origin);
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

        if (HttpMethods.IsOptions(http.Request.Method))
        {
            return RespondToOptionsAsync(http, permitted);
        }

        return permitted ? next(http) : ApiError.Forbidden("This origin may not call").ExecuteAsync(http);
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
            current = new(source, source.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal));
            _cached = current;
        }

        return current.Origins;
    }

    private sealed record OriginList(string Source, HashSet<string> Origins);
}

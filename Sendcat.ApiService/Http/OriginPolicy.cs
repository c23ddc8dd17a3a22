using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Sendcat.ApiService.Http;

/// <summary>Which web pages may call, and what their browsers are told. Stands first in the pipeline, so that errors carry the same headers as success.</summary>
/// <remarks>
/// Outside Development no origin may call until <c>ALLOWED_ORIGINS</c> names it. Refusing to start instead would take down programs and apps, which send no Origin, over a setting that only browsers need.
/// </remarks>
internal sealed class OriginPolicy(IOptionsMonitor<OriginOptions> options, IHostEnvironment environment)
{
    private const string Localhost = "http://localhost:3000,http://localhost:3100,http://localhost:5173";

    private const string Exposed = "x-sendcat-error-code, Retry-After, x-vercel-ai-ui-message-stream";
    private const string Accepted = "Content-Type, Authorization, x-sendcat-session";

    /// <summary>What is the same for everyone and changes nothing. Everything else is checked, however its path is spelled.</summary>
    private static readonly PathString[] Open = ["/health", "/alive", "/openapi", "/scalar"];

    private static readonly PathString Chat = "/api/chat";
    private static readonly PathString ChatAbort = "/api/chat/abort";
    private static readonly PathString ChatHealth = "/api/chat/health";

    private OriginList known = new("", []);

    /// <summary>There are pages that may call.</summary>
    public bool KnowsAny => Origins().Count > 0;

    private string Source => options.CurrentValue.AllowedOrigins is { Length: > 0 } given ? given : environment.IsDevelopment() ? Localhost : "";

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
            headers.AccessControlExposeHeaders = Exposed;
        }

        if (Array.Exists(Open, page => http.Request.Path.StartsWithSegments(page, StringComparison.OrdinalIgnoreCase)))
        {
            return next(http);
        }

        if (HttpMethods.IsOptions(http.Request.Method))
        {
            return AnswerOptionsAsync(http, permitted);
        }

        return permitted ? next(http) : ApiError.Forbidden("This origin may not call").ExecuteAsync(http);
    }

    /// <summary>A preflight is 204 for anyone and tells only the permitted what they may do; the health page alone refuses a foreign one and answers 200.</summary>
    private static Task AnswerOptionsAsync(HttpContext http, bool permitted)
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
            http.Response.Headers.AccessControlAllowHeaders = Accepted;
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
        var current = known;
        if (!string.Equals(current.Source, source, StringComparison.Ordinal))
        {
            current = new(source, source.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal));
            known = current;
        }

        return current.Origins;
    }

    private sealed record OriginList(string Source, HashSet<string> Origins);
}

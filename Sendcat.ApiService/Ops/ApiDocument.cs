using Microsoft.OpenApi;
using Scalar.AspNetCore;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Ops;

/// <summary>Describes the API as an OpenAPI document (<c>/openapi/v1.json</c>) and as a page to read (<c>/scalar</c>).</summary>
internal static class ApiDocument
{
    public static IServiceCollection AddApiDocument(this IServiceCollection services) => services.AddOpenApi("v1", options => options.AddDocumentTransformer((document, _, _) =>
    {
        document.Info = new()
        {
            Title = "Sendcat",
            Version = "v1",
            Description = "Errors are plain text with the header x-sendcat-error-code; clients branch on the code. Outside of chat and auth the text begins with "
                + "[code:function]. 429 and 503 carry Retry-After in seconds. Callers present a bearer token, or an anonymous session as sessionId in "
                + "the body or in the header x-sendcat-session.",
        };
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
        {
            ["bearer"] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description = "Access token of /api/auth/login, or the operator key for /api/ops (with the viewer key only GET is allowed)",
            },
            ["session"] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = "x-sendcat-session",
                Description = "Session id of /api/auth/anonymous",
            },
        };
        document.Security = [new() { [new("bearer", document)] = [] }, new() { [new("session", document)] = [] }];
        return Task.CompletedTask;
    }));

    /// <summary>
    /// True when the request is for the document, the page, or the root that leads to it, and the caller may not see them. Outside Development only operators and
    /// viewers may: a list of all endpoints would help an attacker. All other callers get 404.
    /// </summary>
    private static async ValueTask<bool> IsHiddenAsync(HttpContext http) =>
        IsDocument(http.Request.Path)
        && !http.RequestServices.GetRequiredService<IHostEnvironment>().IsDevelopment()
        && await http.RequestServices.GetRequiredService<OpsGuard>().RoleAsync(http) is OpsRole.None;

    private static bool IsDocument(PathString path) =>
        path == "/"
        || path.StartsWithSegments("/openapi", StringComparison.OrdinalIgnoreCase)
        || path.StartsWithSegments("/scalar", StringComparison.OrdinalIgnoreCase);

    /// <summary>Hides the pages. It runs before the endpoints, so that a hidden page has the response of an unknown one, whatever the method.</summary>
    public static void UseApiDocument(this WebApplication app) => app.Use(next => async http =>
        await (await IsHiddenAsync(http) ? ApiError.NotFound().ExecuteAsync(http) : next(http)));

    public static void MapApiDocument(this IEndpointRouteBuilder app)
    {
        app.MapMethods("/", [HttpMethods.Get, HttpMethods.Head], () => Results.Redirect("/scalar")).ExcludeFromDescription();
        app.MapOpenApi("/openapi/{documentName}.json");
        app.MapScalarApiReference("/scalar", options => options.WithTitle("Sendcat API"));
    }
}

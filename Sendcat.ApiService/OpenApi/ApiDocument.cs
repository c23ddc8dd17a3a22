using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Scalar.AspNetCore;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Ops;

namespace Sendcat.ApiService.OpenApi;

/// <summary>Describes the API as an OpenAPI document (<c>/openapi/v1.json</c>) and as a page to read (<c>/scalar</c>).</summary>
internal static class ApiDocument
{
    private const string PagePolicy =
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        + "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'";

    /// <summary>The groups in the order of the page: what a client needs first.</summary>
    private static readonly string[] Tags = ["Chat", "Threads", "Messages", "Attachments", "Sharing", "Identity", "Shopping"];

    /// <summary>
    /// OpenAPI 3.0: the generators of clients in use read it completely, and 3.1 in part.
    /// </summary>
    public static IServiceCollection AddApiDocument(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_0;
        options.AddOperationTransformer(static (operation, context, _) =>
        {
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<OpsReason>().Any())
            {
                (operation.Parameters ??= []).Add(Reason);
            }

            return Task.CompletedTask;
        });
        options.AddDocumentTransformer(static async (document, context, cancellationToken) =>
        {
            Describe(document);
            await EventSchemas.AddAsync(document, context, cancellationToken);
            await ExportSchema.AddAsync(document, context, cancellationToken);
            await AddShapesAsync(document, context, cancellationToken);
            Order(document);
        });
    });

    private static OpenApiParameter Reason => new()
    {
        Name = OpsReason.Header,
        In = ParameterLocation.Header,
        Required = true,
        Description = "Why the change is made; the audit shows it.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = OpsReason.Shortest, MaxLength = OpsReason.Longest },
    };

    private static void Describe(OpenApiDocument document)
    {
        document.Info = new()
        {
            Title = "Sendcat",
            Version = "v1",
            Description =
                "Errors are plain text with the header x-sendcat-error-code; clients branch on the code. Outside of chat and auth the text "
                + "begins with [code:function]. 429 and 503 carry Retry-After in seconds. Callers present a bearer token, or an anonymous "
                + "session as sessionId in the body or in the header x-sendcat-session.",
        };
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
        {
            ["bearer"] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description =
                    "Access token of /api/auth/login, or a key of an operator for /api/ops (with a key of a viewer only GET is allowed)",
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
        foreach (var operation in document.Paths.Values.SelectMany(path => path.Operations!.Values))
        {
            EventSchemas.Describe(operation);
        }
    }

    /// <summary>Adds what the C# types do not say, and corrects what they say wrongly.</summary>
    private static async Task AddShapesAsync(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        foreach (var (schema, field, item) in FieldShapes.Arrays)
        {
            var items = await context.GetOrCreateSchemaAsync(item, cancellationToken: cancellationToken);
            items.Metadata?.Clear();
            document.AddComponent(item.Name, items);
            document.Components!.Schemas![schema].Properties![field] = new OpenApiSchema
            {
                // Absent when empty, like every field without a value.
                Type = JsonSchemaType.Array | JsonSchemaType.Null,
                Items = new OpenApiSchemaReference(item.Name, document),
            };
        }

        foreach (var (schema, field, description) in FieldShapes.Texts)
        {
            document.Components!.Schemas![schema].Properties![field] = new OpenApiSchema
            {
                Type = JsonSchemaType.String | JsonSchemaType.Null,
                Description = description,
            };
        }

        SchemaRules.Apply(document);
        foreach (var (schema, field, values) in FieldShapes.Values)
        {
            SchemaRules.Restrict(document, schema, field, values);
        }

        foreach (var (schema, path) in FieldShapes.Nullable)
        {
            SchemaRules.AllowNull(document, schema, path);
        }

        foreach (var (schema, fields) in FieldShapes.Required)
        {
            ((OpenApiSchema)document.Components!.Schemas![schema]).Required = new HashSet<string>(fields, StringComparer.Ordinal);
        }
    }

    private static void Order(OpenApiDocument document)
    {
        var tags = Tags.Concat(
            document.Paths.Values.SelectMany(path => path.Operations!.Values)
                .SelectMany(operation => operation.Tags ?? new HashSet<OpenApiTagReference>()).Select(tag => tag.Name!))
            .Distinct(StringComparer.Ordinal).ToList();
        document.Tags = tags.Select(name => new OpenApiTag { Name = name }).ToHashSet();
        var paths = new OpenApiPaths();
        foreach (var (path, item) in document.Paths.OrderBy(
            path => tags.IndexOf(path.Value.Operations!.Values.First().Tags?.FirstOrDefault()?.Name ?? "")))
        {
            paths.Add(path, item);
        }

        document.Paths = paths;
    }

    /// <summary>
    /// True when the request is for the document, the page, or the root that leads to it, and the caller may not see them. Outside
    /// Development only operators and viewers may: a list of all endpoints would help an attacker. All other callers get 404.
    /// </summary>
    private static async ValueTask<bool> IsHiddenAsync(HttpContext http) =>
        IsDocument(http.Request.Path)
        && !http.RequestServices.GetRequiredService<IHostEnvironment>().IsDevelopment()
        && await http.RequestServices.GetRequiredService<OpsGuard>().RoleAsync(http) is OpsRole.None;

    private static bool IsDocument(PathString path) =>
        path == "/"
        || path.StartsWithSegments("/openapi", StringComparison.OrdinalIgnoreCase)
        || path.StartsWithSegments("/scalar", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Hides the pages. It runs before the endpoints, so that a hidden page has the response of an unknown one, whatever the method.
    /// </summary>
    public static void UseApiDocument(this WebApplication app) => app.Use(next => async http =>
    {
        if (await IsHiddenAsync(http))
        {
            await ApiError.NotFound().ExecuteAsync(http);
            return;
        }

        if (IsDocument(http.Request.Path))
        {
            // The page requests nothing of another host: neither for fonts nor for anything else.
            http.Response.Headers.ContentSecurityPolicy = PagePolicy;
        }

        await next(http);
    });

    public static void MapApiDocument(this IEndpointRouteBuilder app)
    {
        app.MapMethods("/", [HttpMethods.Get, HttpMethods.Head], () => Results.Redirect("/scalar")).ExcludeFromDescription();
        app.MapOpenApi("/openapi/{documentName}.json");
        app.MapScalarApiReference("/scalar", options => options
            .WithTitle("Sendcat API").DisableDefaultFonts().HideClientButton().HideDeveloperTools().DisableAgent().DisableMcp()
            .DisableTelemetry());
    }
}

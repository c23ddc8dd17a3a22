using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary><c>/api/models</c>: the models to choose from, for a thread or a chat request.</summary>
internal static class ModelEndpoints
{
    public static void MapModels(this IEndpointRouteBuilder app) =>
        app.MapGet("/api/models", List).WithTags("Threads")
            .As("models.list", "The models that the caller may use, the default one first", 401);

    private static Results<Ok<Page<ModelView>>, ApiError> List(HttpContext http, Principals principals, ThreadModels models) =>
        principals.Read(http).TryGet(out var principal, out var refusal)
            ? TypedResults.Ok(new Page<ModelView>(models.Of(principal), null))
            : refusal;
}

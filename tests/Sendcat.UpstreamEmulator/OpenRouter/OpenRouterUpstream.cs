using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;
using Sendcat.UpstreamEmulator.OpenRouter.Streaming;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>
/// Emulates OpenRouter under <c>/openrouter/api/v1</c>. The routes under <c>/openrouter/emulator</c> control the emulator.
/// </summary>
internal static class OpenRouterUpstream
{
    public static IServiceCollection AddOpenRouter(this IServiceCollection services) => services
        .AddSingleton(ChatMarkers.Language)
        .AddSingleton<StandingDirections<Directions>>()
        .AddSingleton<ModelChoice>()
        .AddSingleton<ScriptCache>()
        .AddSingleton<ChatCompletions>();

    public static void MapOpenRouter(this WebApplication app)
    {
        var chat = app.Services.GetRequiredService<ChatCompletions>();
        app.MapPost("/openrouter/api/v1/chat/completions", chat.HandleAsync);
        app.MapGet("/openrouter/api/v1/models", ModelsAsync);

        app.MapDirections<Directions>("/openrouter/emulator");
    }

    /// <summary>
    /// Returns the model catalogue. It is public, so no key is required. Only standing directions can change this response.
    /// </summary>
    private static async Task ModelsAsync(HttpContext http, EmulatorStats stats, StandingDirections<Directions> standing, RequestLog log)
    {
        log.Add(http.Request, default);
        var call = stats.Start("openrouter", "/models");
        var directions = new Directions();
        foreach (var block in standing.Blocks)
        {
            block.ApplyTo(directions);
        }

        switch (directions.Catalog)
        {
            case CatalogFault.Error:
                await Refusal.WriteAsync(http, 503, "Service unavailable");
                call.Refused();
                return;
            case CatalogFault.Hang:
                var disconnected = new TaskCompletionSource();
                await using (http.RequestAborted.UnsafeRegister(
                    static s =>
                    {
                        var (call, disconnected) = ((EmulatorStats.Call, TaskCompletionSource))s!;
                        call.AbortedByPeer("before-headers", 0);
                        disconnected.TrySetResult();
                    },
                    (call, disconnected)))
                {
                    await disconnected.Task;
                }

                return;
            case CatalogFault.BadJson:
                http.Response.ContentType = "application/json";
                await http.Response.Body.WriteAsync(ModelCatalog.Body[..100], http.RequestAborted);
                break;
            case CatalogFault.Empty:
                http.Response.ContentType = "application/json";
                await http.Response.WriteAsync("""{"data":[]}""", http.RequestAborted);
                break;
            default:
                http.Response.ContentType = "application/json";
                await http.Response.Body.WriteAsync(ModelCatalog.Body, http.RequestAborted);
                break;
        }

        call.Completed();
    }
}

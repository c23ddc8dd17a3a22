using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;
using Sendcat.UpstreamEmulator.OpenRouter.Streaming;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>OpenRouter under <c>/openrouter/api/v1</c>, and under <c>/openrouter/emulator</c> what only the emulator has.</summary>
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

    /// <summary>The catalogue is public, so no key is asked for; only standing directions can spoil it.</summary>
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
                var gone = new TaskCompletionSource();
                await using (http.RequestAborted.UnsafeRegister(
                    static s =>
                    {
                        var (call, gone) = ((EmulatorStats.Call, TaskCompletionSource))s!;
                        call.AbortedByPeer("before-headers", 0);
                        gone.TrySetResult();
                    },
                    (call, gone)))
                {
                    await gone.Task;
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

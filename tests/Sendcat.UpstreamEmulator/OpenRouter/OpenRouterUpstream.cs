using Sendcat.UpstreamEmulator.OpenRouter.Markers;
using Sendcat.UpstreamEmulator.OpenRouter.Streaming;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>OpenRouter under <c>/openrouter/api/v1</c>, and under <c>/openrouter/emulator</c> what only the emulator has.</summary>
internal static class OpenRouterUpstream
{
    public static IServiceCollection AddOpenRouter(this IServiceCollection services) => services
        .AddSingleton<StandingDirections>()
        .AddSingleton<AttemptLedger>()
        .AddSingleton<ModelChoice>()
        .AddSingleton<ScriptCache>()
        .AddSingleton<ChatCompletions>();

    public static void MapOpenRouter(this WebApplication app)
    {
        var chat = app.Services.GetRequiredService<ChatCompletions>();
        app.MapPost("/openrouter/api/v1/chat/completions", chat.HandleAsync);
        app.MapGet("/openrouter/api/v1/models", ModelsAsync);

        app.MapGet("/openrouter/emulator/markers", () => Results.Json(MarkerTable.Names));
        app.MapGet("/openrouter/emulator/directions", (StandingDirections standing) => Results.Text(string.Join('\n', standing.Blocks.Select(b => b.Text))));
        app.MapPost("/openrouter/emulator/directions", DirectAsync);
        app.MapDelete("/openrouter/emulator/directions", (StandingDirections standing) =>
        {
            standing.Clear();
            return Results.NoContent();
        });
    }

    /// <summary>The body is marker blocks as in a prompt: 204, or 400 with what is wrong.</summary>
    private static async Task<IResult> DirectAsync(HttpRequest request, StandingDirections standing, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(request.Body);
        try
        {
            standing.Add(await reader.ReadToEndAsync(cancellationToken));
            return Results.NoContent();
        }
        catch (FormatException e)
        {
            return Results.Text(e.Message, statusCode: StatusCodes.Status400BadRequest);
        }
    }

    /// <summary>The catalogue is public, so no key is asked for; only standing directions can spoil it.</summary>
    private static async Task ModelsAsync(HttpContext http, EmulatorStats stats, StandingDirections standing, RequestLog log)
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

namespace Sendcat.UpstreamEmulator.WhatsApp;

internal static class WhatsAppRoutes
{
    public static IServiceCollection AddWhatsApp(this IServiceCollection services) => services
        .AddSingleton<MediaFiles>().AddSingleton<SentMessages>().AddSingleton<GraphUpstream>()
        .AddSingleton(provider => new WhatsAppDeliveries(
            provider.GetRequiredService<EmulatorOptions>(), provider.GetRequiredService<MediaFiles>(),
            provider.GetRequiredService<TimeProvider>()));

    /// <summary>Maps the Graph API under <c>/graph</c>, and what people and tests do under <c>/whatsapp/emulator</c>.</summary>
    public static void MapWhatsApp(this WebApplication app)
    {
        var graph = app.Services.GetRequiredService<GraphUpstream>();
        app.MapGet("/graph/files/{address}", graph.DownloadAsync);
        app.MapGet("/graph/{version}/{id}", (HttpContext http, string id) => graph.FindAsync(http, id));
        app.MapPost("/graph/{version}/{number}/messages", graph.SendAsync);

        var emulator = app.MapGroup("/whatsapp/emulator");
        emulator.MapGet(
            "/sent",
            (SentMessages sent, string? to) => Results.Json(new { items = sent.All.Where(message => to is null || message.To == to) }));
        emulator.MapPost("/expire-addresses", (MediaFiles files) =>
        {
            files.ExpireAddresses();
            return Results.NoContent();
        });
        emulator.MapPost("/deliver", DeliverAsync);
    }

    /// <summary>Delivers a message: the body is its text, what its picture shows, or the status.</summary>
    private static async Task<IResult> DeliverAsync(
        HttpContext http, WhatsAppDeliveries deliveries, string? kind, string? from, string? userId, string? caption, string? id)
    {
        using var reader = new StreamReader(http.Request.Body);
        var text = await reader.ReadToEndAsync(http.RequestAborted);
        try
        {
            var sample = new WhatsAppSample(
                kind ?? "text", text.Length == 0 ? null : text) { From = from, UserId = userId, Caption = caption, Id = id };
            return await deliveries.DeliverAsync(sample, http.RequestAborted) is { } delivered
                ? Results.Json(delivered)
                : Results.Text("EMULATOR_WHATSAPP_WEBHOOK_URL is not set", statusCode: StatusCodes.Status409Conflict);
        }
        catch (FormatException problem)
        {
            return Results.Text(problem.Message, statusCode: StatusCodes.Status400BadRequest);
        }
        catch (HttpRequestException failure)
        {
            return Results.Text($"The webhook does not respond: {failure.HttpRequestError}", statusCode: StatusCodes.Status502BadGateway);
        }
    }
}

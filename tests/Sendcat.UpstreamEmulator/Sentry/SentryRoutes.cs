namespace Sendcat.UpstreamEmulator.Sentry;

internal static class SentryRoutes
{
    public static IServiceCollection AddSentryIngestion(this IServiceCollection services) =>
        services.AddSingleton<SentryEnvelopes>().AddSingleton<SentryUpstream>();

    /// <summary>
    /// Maps the ingestion, and what people and tests see of it: <c>GET /sentry/events</c> lists the events, <c>DELETE</c> removes them.
    /// </summary>
    public static void MapSentry(this WebApplication app)
    {
        var (sentry, envelopes) = (app.Services.GetRequiredService<SentryUpstream>(), app.Services.GetRequiredService<SentryEnvelopes>());
        app.MapPost("/sentry/api/{project}/envelope", sentry.ServeAsync);
        app.MapGet("/sentry/events", () => Results.Json(new { items = envelopes.All }));
        app.MapDelete("/sentry/events", () =>
        {
            envelopes.Clear();
            return Results.NoContent();
        });
    }
}

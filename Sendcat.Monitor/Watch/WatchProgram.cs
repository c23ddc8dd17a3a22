using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace Sendcat.Monitor.Watch;

/// <summary>
/// <c>watch</c> as a web application: the probes, the public status as JSON, and its own health endpoints. The console and the alerts are
/// added to it.
/// </summary>
internal static class WatchProgram
{
    private const string DefaultUrl = "http://127.0.0.1:5090";

    /// <param name="args">Configuration as command-line switches, for tests.</param>
    /// <param name="add">Adds what else runs.</param>
    /// <param name="map">Maps its pages.</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? add = null, Action<WebApplication>? map = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.WebHost.UseUrls(Urls(builder.Configuration));
        builder.AddServiceDefaults();
        builder.Services.ConfigureHttpJsonOptions(
            json => json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull);
        builder.Services.AddOptions<WatchOptions>().Bind(builder.Configuration).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<WatchOptions>, WatchOptionsValidator>();
        builder.Services.AddSingleton<ObservationHistory>().AddSingleton<ApiAddresses>();
        builder.Services.AddHttpClient<ApiProbe>() // no retries and no log line per request: one failed probe is one observation
            .RemoveAllLoggers()
            .UseSocketsHttpHandler((sockets, _) => sockets.PooledConnectionLifetime = TimeSpan.FromMinutes(1))
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
        builder.Services.AddHostedService<ApiWatcher>();
        add?.Invoke(builder);

        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapGet(
            "/api/status",
            (ObservationHistory history, TimeProvider clock) => PublicStatus.Of(ConsoleStatus.Of(history, clock.GetUtcNow())));
        map?.Invoke(app);
        return app;
    }

    private static string[] Urls(IConfiguration configuration) =>
        configuration["urls"] is { Length: > 0 } urls ? urls.Split(';', StringSplitOptions.RemoveEmptyEntries)
        : configuration["http_ports"] is { Length: > 0 } ports
            ? [.. ports.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(p => $"http://*:{p}")]
            : [DefaultUrl];
}

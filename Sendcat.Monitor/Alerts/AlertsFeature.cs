using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Monitor.Alerts;

internal static class AlertsFeature
{
    private const string Database = "sendcatdb";

    /// <summary>
    /// Adds the judging of alerts. With a connection string of the database, the alerts are stored there, and one of several Monitors
    /// judges.
    /// </summary>
    public static WebApplicationBuilder AddAlerts(this WebApplicationBuilder builder)
    {
        var stored = builder.Configuration.GetConnectionString(Database) is { Length: > 0 };
        if (stored)
        {
            builder.AddSendcatDataSource();
        }

        builder.Services.AddHttpClient<AlertFactsReader>() // no retries: the next round reads again
            .RemoveAllLoggers()
            .UseSocketsHttpHandler((sockets, _) => sockets.PooledConnectionLifetime = TimeSpan.FromMinutes(1))
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
        builder.Services.AddSingleton(services => new AlertLedger(
            stored ? new AlertStore(services.GetRequiredService<NpgsqlDataSource>(), Guid.NewGuid().ToString("N")) : null,
            services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<AlertLedger>>()));
        builder.Services.AddKnobs<AlertOptions>().AddKnobs<ToolQueueAlertOptions>();
        builder.Services.AddSingleton<IAlertChannel>(services => new SentryChannel(
            builder.Configuration["SENTRY_DSN"], OptionsOf<AlertOptions>(services).RateLimitSentryDsn,
            OptionsOf<ToolQueueAlertOptions>(services).SentryDsn));
        builder.Services.AddHttpClient(nameof(WebhookChannel)).RemoveAllLoggers().SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .UseSocketsHttpHandler((sockets, _) =>
                (sockets.PooledConnectionLifetime, sockets.AllowAutoRedirect) = (TimeSpan.FromMinutes(1), false));
        builder.Services.AddSingleton<IAlertChannel>(services => new WebhookChannel(
            services.GetRequiredService<IHttpClientFactory>().CreateClient(nameof(WebhookChannel)),
            OptionsOf<AlertOptions>(services).WebhookUrl, OptionsOf<AlertOptions>(services).WebhookSecret,
            services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<AlertWatcher>();
        builder.Services.AddHostedService(services => services.GetRequiredService<AlertWatcher>());
        return builder;
    }

    private static TOptions OptionsOf<TOptions>(IServiceProvider services)
        where TOptions : class => services.GetRequiredService<IOptions<TOptions>>().Value;
}

using Npgsql;
using Sendcat.Reliability.Alerts;

namespace Sendcat.Monitor.Alerts;

internal static class AlertsFeature
{
    private const string Database = "sendcatdb";

    /// <summary>
    /// Adds the judging of alerts. With a connection string of the database, the alerts are stored there, and one of several Monitors judges.
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
        builder.Services.AddSingleton<AlertWatcher>();
        builder.Services.AddHostedService(services => services.GetRequiredService<AlertWatcher>());
        return builder;
    }
}

using Sendcat.Reliability.Database;
using Sendcat.Reliability.Knobs;
using Sendcat.ServiceDefaults.Postgres;

namespace Sendcat.ApiService.Database;

internal static class DatabaseFeature
{
    private const string Connection = "sendcatdb";

    /// <summary>
    /// Registers <see cref="SendcatDb"/> for ordinary reads and writes, <see cref="RequestDatabase"/> for the hot paths of requests,
    /// <c>NpgsqlDataSource</c> for background work, and <see cref="Schema"/>, which migrates the database before the server listens.
    /// </summary>
    public static IHostApplicationBuilder AddDatabase(this IHostApplicationBuilder builder)
    {
        var statementTimeout = TimeSpan.FromMilliseconds(
            KnobsFeature.ReadAtStart<PostgresOptions>(builder.Configuration).StatementTimeoutMs);
        builder.AddNpgsqlDbContext<SendcatDb>(
            Connection,
            settings => (settings.DisableRetry, settings.DisableHealthChecks) = (true, true),
            options => Schema.Configure(options, source => source.LimitWaits(statementTimeout)));
        builder.AddSendcatDataSource(statementTimeout);
        builder.Services.AddSingleton<BoundedStatements>();
        builder.Services.ConfigureDbContext<SendcatDb>(
            (services, options) => services.GetRequiredService<BoundedStatements>().Bound(options));
        builder.Services.AddHostedService<Schema>();
        return builder;
    }
}

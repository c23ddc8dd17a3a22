namespace Sendcat.ApiService.Database;

internal static class DatabaseFeature
{
    private const string Connection = "sendcatdb";

    /// <summary>
    /// Registers <see cref="SendcatDb"/> for ordinary reads and writes, <c>NpgsqlDataSource</c> for the hot paths, and
    /// <see cref="Schema"/>, which migrates the database before the server listens.
    /// </summary>
    public static IHostApplicationBuilder AddDatabase(this IHostApplicationBuilder builder)
    {
        builder.AddNpgsqlDbContext<SendcatDb>(
            Connection, settings => (settings.DisableRetry, settings.DisableHealthChecks) = (true, true), Schema.Configure);
        builder.AddSendcatDataSource();
        builder.Services.AddHostedService<Schema>();
        return builder;
    }
}

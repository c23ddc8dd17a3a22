namespace Sendcat.ApiService.Database;

internal static class DatabaseSetup
{
    private const string Connection = "sendcatdb";

    /// <summary>Registers <see cref="SendcatDb"/> for what is written and read at leisure, <c>NpgsqlDataSource</c> for the hot paths, and brings the schema up before the server listens.</summary>
    public static IHostApplicationBuilder AddDatabase(this IHostApplicationBuilder builder)
    {
        builder.AddNpgsqlDbContext<SendcatDb>(Connection, settings => (settings.DisableRetry, settings.DisableHealthChecks) = (true, true), Schema.Configure);
        builder.AddSendcatDataSource();
        builder.Services.AddHostedService<Schema>();
        return builder;
    }
}

using Npgsql;

namespace Sendcat.ApiService.Database;

internal static class DatabaseSetup
{
    private const string Connection = "sendcatdb";

    /// <summary>Registers <see cref="SendcatDb"/> for what is written and read at leisure, <see cref="NpgsqlDataSource"/> for the hot paths, and brings the schema up before the server listens.</summary>
    public static IHostApplicationBuilder AddDatabase(this IHostApplicationBuilder builder)
    {
        builder.AddNpgsqlDbContext<SendcatDb>(Connection, settings => settings.DisableRetry = true, Schema.Configure);
        builder.Services.AddNpgsqlDataSource(
            builder.Configuration.GetConnectionString(Connection) ?? throw new InvalidOperationException($"ConnectionStrings:{Connection} is missing: it says where Postgres is."));
        builder.Services.AddHostedService<Schema>();
        return builder;
    }
}

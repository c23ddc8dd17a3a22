using Npgsql;
using Sendcat.ServiceDefaults.Postgres;

namespace Microsoft.Extensions.Hosting;

public static class SendcatDataSource
{
    private const string ConnectionName = "sendcatdb";

    // Hot statements take a millisecond: waiting for one of a few connections is cheaper than having the server juggle a hundred.
    private const int MaxConnections = 24;

    /// <summary>
    /// Aspire's <see cref="NpgsqlDataSource"/> for the paths that are too hot for EF Core, with a small pool and automatic preparation. The connection string has the last word on each
    /// (<c>Max Auto Prepare=0</c> for poolers in transaction mode).
    /// </summary>
    public static TBuilder AddSendcatDataSource<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddNpgsqlDataSource(ConnectionName, configureDataSourceBuilder: source =>
        {
            var settings = source.NameSpans().ConnectionStringBuilder;

            // ContainsKey is true for every keyword that exists; ShouldSerialize only for those that were given.
            if (!settings.ShouldSerialize("Max Auto Prepare"))
            {
                settings.MaxAutoPrepare = 64;
                settings.AutoPrepareMinUsages = 2;
            }

            // Nothing of ours outlives its transaction in a session, so the five statements that reset one are not needed.
            if (!settings.ShouldSerialize("No Reset On Close"))
            {
                settings.NoResetOnClose = true;
            }

            if (!settings.ShouldSerialize("Maximum Pool Size"))
            {
                settings.MaxPoolSize = MaxConnections;
            }
        });
        return builder;
    }
}

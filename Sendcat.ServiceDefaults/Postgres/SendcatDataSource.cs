using Npgsql;
using Sendcat.ServiceDefaults.Postgres;

namespace Microsoft.Extensions.Hosting;

public static class SendcatDataSource
{
    private const string ConnectionName = "sendcatdb";

    // Frequent statements take about a millisecond. Waiting for one of a few connections costs less than a hundred concurrent connections
    // cost the server. A new connection is expensive as well: the server starts a process, and plans every statement anew, the first six
    // times that it is executed there.
    private const int MostConnections = 24;

    /// <summary>
    /// Adds Aspire's <see cref="NpgsqlDataSource"/> for statements that are too frequent for EF Core, with a small pool and automatic
    /// preparation. The connection string overrides each of these settings (for example <c>Max Auto Prepare=0</c> for a
    /// pooler in transaction mode).
    /// </summary>
    /// <param name="statementTimeout">Time after which the server ends a statement by itself; null: the server's own setting.</param>
    /// <param name="maxConnections">Most connections of the pool.</param>
    public static TBuilder AddSendcatDataSource<TBuilder>(
        this TBuilder builder, TimeSpan? statementTimeout = null, int maxConnections = MostConnections)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddNpgsqlDataSource(ConnectionName, configureDataSourceBuilder: source =>
        {
            var settings = source.NameSpans().LimitWaits(statementTimeout).ConnectionStringBuilder;

            // ContainsKey is true for every known keyword; ShouldSerialize only for those in the connection string.
            if (!settings.ShouldSerialize("Max Auto Prepare"))
            {
                settings.MaxAutoPrepare = 64;
                settings.AutoPrepareMinUsages = 2;
            }

            // Sendcat keeps no session state beyond a transaction, so the five statements that reset a session are not needed.
            if (!settings.ShouldSerialize("No Reset On Close"))
            {
                settings.NoResetOnClose = true;
            }

            if (!settings.ShouldSerialize("Maximum Pool Size"))
            {
                settings.MaxPoolSize = maxConnections;
            }
        });
        return builder;
    }
}

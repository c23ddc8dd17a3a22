using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Microsoft.Extensions.Hosting;

public static class SendcatDataSource
{
    private const string ConnectionName = "sendcatdb";

    // Hot statements take a millisecond: waiting for one of a few connections is cheaper than having the server juggle a hundred.
    private const int MostConnections = 24;

    /// <summary>
    /// Registers <see cref="NpgsqlDataSource"/> as a singleton for the paths that are too hot for EF Core, from <c>ConnectionStrings:sendcatdb</c>, read when it is first asked for. Statements
    /// that recur are prepared by themselves unless the connection string says otherwise (<c>Max Auto Prepare=0</c>, for poolers in transaction mode).
    /// </summary>
    public static TBuilder AddSendcatDataSource<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddNpgsqlDataSource("", static (services, source) =>
        {
            var settings = source.ConnectionStringBuilder;
            settings.ConnectionString = services.GetRequiredService<IConfiguration>().GetConnectionString(ConnectionName)
                ?? throw new InvalidOperationException($"ConnectionStrings:{ConnectionName} is missing.");
            // ContainsKey knows every keyword there is; ShouldSerialize tells which ones were given.
            if (!settings.ShouldSerialize("Max Auto Prepare"))
            {
                settings.MaxAutoPrepare = 64;
                settings.AutoPrepareMinUsages = 2;
            }

            // Nothing of ours outlives its transaction in a session, so the five statements that reset one would be for nothing.
            if (!settings.ShouldSerialize("No Reset On Close"))
            {
                settings.NoResetOnClose = true;
            }

            if (!settings.ShouldSerialize("Maximum Pool Size"))
            {
                settings.MaxPoolSize = MostConnections;
            }
        });
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            ConnectionName, services => new SelectOne(services.GetRequiredService<NpgsqlDataSource>()), failureStatus: null, tags: null));
        return builder;
    }

    private sealed class SelectOne(NpgsqlDataSource database) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            await using var command = database.CreateCommand("SELECT 1");
            await command.ExecuteScalarAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
    }
}

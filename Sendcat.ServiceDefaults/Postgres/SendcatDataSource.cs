using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Microsoft.Extensions.Hosting;

public static class SendcatDataSource
{
    private const string ConnectionName = "sendcatdb";

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
            if (!settings.ContainsKey("Max Auto Prepare"))
            {
                settings.MaxAutoPrepare = 64;
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

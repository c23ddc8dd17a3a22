using Microsoft.EntityFrameworkCore;

namespace Microsoft.Extensions.Hosting;

/// <summary>The one registration of the Aspire client integration that this project uses, with its signature.</summary>
internal static class Connections
{
    public static void AddNpgsqlDbContext<TContext>(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<NpgsqlConnectionSettings>? configureSettings = null,
        Action<DbContextOptionsBuilder>? configureDbContextOptions = null)
        where TContext : DbContext
    {
        configureSettings?.Invoke(new());
        builder.Services.AddDbContextPool<TContext>(options =>
        {
            options.UseNpgsql(builder.Configuration.GetConnectionString(connectionName));
            configureDbContextOptions?.Invoke(options);
        });
    }
}

internal sealed class NpgsqlConnectionSettings
{
    public bool DisableRetry { get; set; }
}

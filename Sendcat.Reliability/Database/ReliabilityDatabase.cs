using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Sendcat.Reliability.Database;

public static class ReliabilityDatabase
{
    /// <summary>
    /// Migrates the schema <c>reliability</c> to the newest version. The API calls it at start; replicas that start together migrate one
    /// after the other.
    /// </summary>
    public static async Task MigrateAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var migrationLock = await MigrationLock.AcquireAsync(database, cancellationToken);
        var options = new DbContextOptionsBuilder<ReliabilityDb>();
        Use(options, database);
        await using var context = new ReliabilityDb(options.Options);
        await MigrationLock.MigrateAsync(context.Database, cancellationToken);
    }

    internal static IServiceCollection AddReliabilityDb(this IServiceCollection services) =>
        services.AddDbContextFactory<ReliabilityDb>((provider, options) => Use(options, provider.GetRequiredService<NpgsqlDataSource>()));

    private static void Use(DbContextOptionsBuilder options, NpgsqlDataSource database) =>
        options
            .UseNpgsql(database, postgres => postgres.MigrationsHistoryTable(ReliabilityDb.MigrationsTable, ReliabilityDb.Schema))
            .UseSnakeCaseNamingConvention();
}

/// <summary>
/// Used by <c>dotnet ef migrations add Name --project Sendcat.Reliability --output-dir Database/Migrations</c> at design time. It does not
/// connect.
/// </summary>
internal sealed class ReliabilityDbDesign : IDesignTimeDbContextFactory<ReliabilityDb>
{
    public ReliabilityDb CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<ReliabilityDb>()
            .UseNpgsql("Host=localhost", postgres => postgres.MigrationsHistoryTable(ReliabilityDb.MigrationsTable, ReliabilityDb.Schema))
            .UseSnakeCaseNamingConvention()
            .Options);
}

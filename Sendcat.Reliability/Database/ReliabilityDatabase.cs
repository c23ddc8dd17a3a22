using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Sendcat.Reliability.Database;

public static class ReliabilityDatabase
{
    /// <summary>Brings the schema <c>reliability</c> up to date. The API calls it at start; replicas that start together take turns.</summary>
    public static async Task MigrateAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var turn = await MigrationLock.AcquireAsync(database, cancellationToken);
        var options = new DbContextOptionsBuilder<ReliabilityDb>();
        Use(options, database);
        await using var context = new ReliabilityDb(options.Options);
        await context.Database.MigrateAsync(cancellationToken);
    }

    internal static IServiceCollection AddReliabilityDb(this IServiceCollection services) =>
        services.AddDbContextFactory<ReliabilityDb>((provider, options) => Use(options, provider.GetRequiredService<NpgsqlDataSource>()));

    private static void Use(DbContextOptionsBuilder options, NpgsqlDataSource database) =>
        options
            .UseNpgsql(database, postgres => postgres.MigrationsHistoryTable(ReliabilityDb.MigrationsTable, ReliabilityDb.Schema))
            .UseSnakeCaseNamingConvention();
}

/// <summary>For <c>dotnet ef migrations add Name --project Sendcat.Reliability --output-dir Database/Migrations</c>; never connects.</summary>
internal sealed class ReliabilityDbDesign : IDesignTimeDbContextFactory<ReliabilityDb>
{
    public ReliabilityDb CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<ReliabilityDb>()
            .UseNpgsql("Host=localhost", postgres => postgres.MigrationsHistoryTable(ReliabilityDb.MigrationsTable, ReliabilityDb.Schema))
            .UseSnakeCaseNamingConvention()
            .Options);
}

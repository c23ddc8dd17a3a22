using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.Reliability.Database;
using Sendcat.TestKit.Stores;

namespace Sendcat.TestApi;

/// <summary>Databases in the shape of this build.</summary>
public static class MigratedDatabase
{
    private static readonly DatabaseTemplate Whole = new(MigrateWholeAsync);
    private static readonly DatabaseTemplate ReliabilityAlone = new(MigrateReliabilityAsync);

    /// <summary>With every table that the API uses.</summary>
    /// <returns>Connection string.</returns>
    public static Task<string> CreateAsync(PostgresServer server) => Whole.CopyAsync(server);

    /// <summary>With the tables of the reliability library, which are all that a tool worker uses.</summary>
    /// <returns>Connection string.</returns>
    public static Task<string> CreateForReliabilityAsync(PostgresServer server) => ReliabilityAlone.CopyAsync(server);

    private static async Task MigrateWholeAsync(string connectionString)
    {
        var options = new DbContextOptionsBuilder<SendcatDb>().UseNpgsql(connectionString);
        Schema.Configure(options);
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var db = new SendcatDb((DbContextOptions<SendcatDb>)options.Options);
        await Schema.MigrateAsync(source, db, CancellationToken.None);
    }

    private static async Task MigrateReliabilityAsync(string connectionString)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await ReliabilityDatabase.MigrateAsync(source, CancellationToken.None);
    }
}

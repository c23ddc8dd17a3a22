using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.Reliability.Database;
using Sendcat.TestKit.Stores;

namespace Sendcat.TestApi;

/// <summary>Creates databases with the schema of this build.</summary>
public static class MigratedDatabase
{
    private static readonly DatabaseTemplate Full = new(MigrateFullAsync);
    private static readonly DatabaseTemplate ReliabilityOnly = new(MigrateReliabilityAsync);

    /// <summary>Creates a database with every table of the API.</summary>
    /// <returns>The connection string.</returns>
    public static Task<string> CreateAsync(PostgresServer server) => Full.CopyAsync(server);

    /// <summary>Creates a database with only the tables of the reliability library. A tool worker uses no other tables.</summary>
    /// <returns>The connection string.</returns>
    public static Task<string> CreateForReliabilityAsync(PostgresServer server) => ReliabilityOnly.CopyAsync(server);

    private static async Task MigrateFullAsync(string connectionString)
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

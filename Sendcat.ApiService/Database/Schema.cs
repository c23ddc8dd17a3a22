using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
using Sendcat.ServiceDefaults.Postgres;

namespace Sendcat.ApiService.Database;

/// <summary>
/// Migrates the database to the schema of this build before the server listens. Replicas that start together migrate one after another.
/// </summary>
internal sealed class Schema(
    NpgsqlDataSource source, IServiceScopeFactory scopes, TimeProvider time, StoreOutages outages,
    ILogger<Schema> logger) : IHostedLifecycleService
{
    private static readonly Backoff Pauses = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(3));

    /// <param name="connect">Changes the settings of the context's connections; null: none.</param>
    public static void Configure(DbContextOptionsBuilder options, Action<NpgsqlDataSourceBuilder>? connect = null)
    {
        options.UseSnakeCaseNamingConvention();
        // A failed command throws, and the caller logs the exception if it matters.
        options.ConfigureWarnings(warnings => warnings.Log(
            (RelationalEventId.CommandError, LogLevel.Debug), (RelationalEventId.ConnectionError, LogLevel.Debug),
            (RelationalEventId.TransactionError, LogLevel.Debug), (CoreEventId.SaveChangesFailed, LogLevel.Debug),
            (CoreEventId.QueryIterationFailed, LogLevel.Debug)));
        new NpgsqlDbContextOptionsBuilder(options).MigrationsHistoryTable(SendcatDb.HistoryTable).ConfigureDataSource(source =>
        {
            source.NameSpans();
            connect?.Invoke(source);
        });
    }

    /// <summary>Migrates both schemas, that of the reliability library and that of the API, to this build.</summary>
    /// <returns>Names of the API migrations that were applied, in order.</returns>
    public static async Task<IReadOnlyList<string>> MigrateAsync(NpgsqlDataSource source, SendcatDb db, CancellationToken cancellationToken)
    {
        await ReliabilityDatabase.MigrateAsync(source, cancellationToken);
        await using var migrationLock = await MigrationLock.AcquireAsync(source, cancellationToken);
        var pending = (await db.Database.GetPendingMigrationsAsync(cancellationToken)).ToList();
        if (pending.Count > 0)
        {
            await MigrationLock.MigrateAsync(db.Database, cancellationToken);
        }

        return pending;
    }

    /// <summary>
    /// Runs before the server starts to listen. Retries for as long as Postgres is not ready: pauses start at 200 ms and double up to 3 s.
    /// A wrong password or a broken migration stops the start.
    /// </summary>
    /// <exception cref="NpgsqlException">The failure is not transient, and the database is not merely missing.</exception>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        var outage = new WorkOutage("Migration of the database", outages.Postgres, logger, time);
        for (var failures = 0; ;)
        {
            try
            {
                await MigrateAsync(cancellationToken);
                outage.Ends();
                return;
            }
            catch (NpgsqlException notReady) when (notReady.IsTransient || notReady.SqlState == PostgresErrorCodes.InvalidCatalogName)
            {
                var pause = Pauses.After(++failures);
                if (outage.Begins(notReady))
                {
                    logger.StoreNotReady(notReady.Message);
                }

                await Task.Delay(pause, time, cancellationToken);
            }
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var applied = await MigrateAsync(source, scope.ServiceProvider.GetRequiredService<SendcatDb>(), cancellationToken);
        if (applied.Count > 0)
        {
            logger.SchemaMigrated(applied.Count, applied[^1]);
        }
    }
}

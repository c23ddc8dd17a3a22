using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;
using Sendcat.Reliability.Database;
using Sendcat.ServiceDefaults.Postgres;

namespace Sendcat.ApiService.Database;

/// <summary>Brings the database to the shape of this build before anything is served. Replicas that start together take turns.</summary>
internal sealed class Schema(NpgsqlDataSource source, IServiceScopeFactory scopes, TimeProvider time, ILogger<Schema> logger) : IHostedLifecycleService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(3);

    public static void Configure(DbContextOptionsBuilder options)
    {
        options.UseSnakeCaseNamingConvention();
        // A failed command reaches its caller as an exception, and is logged there if it matters.
        options.ConfigureWarnings(warnings => warnings.Log((RelationalEventId.CommandError, LogLevel.Debug), (CoreEventId.SaveChangesFailed, LogLevel.Debug)));
        new NpgsqlDbContextOptionsBuilder(options).MigrationsHistoryTable(SendcatDb.HistoryTable).ConfigureDataSource(source => source.NameSpans());
    }

    /// <summary>Brings both schemas, that of the reliability library and ours, to the shape of this build.</summary>
    /// <returns>Names of our migrations that were applied, in order.</returns>
    public static async Task<IReadOnlyList<string>> MigrateAsync(NpgsqlDataSource source, SendcatDb db, CancellationToken cancellationToken)
    {
        await ReliabilityDatabase.MigrateAsync(source, cancellationToken);
        await using var turn = await MigrationLock.AcquireAsync(source, cancellationToken);
        var pending = (await db.Database.GetPendingMigrationsAsync(cancellationToken)).ToList();
        if (pending.Count > 0)
        {
            await db.Database.MigrateAsync(cancellationToken);
        }

        return pending;
    }

    /// <summary>Runs before the server starts to listen. Waits for as long as Postgres is not there yet; a wrong password or a broken migration stops the start.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                await MigrateAsync(cancellationToken);
                return;
            }
            catch (NpgsqlException notYet) when (notYet.IsTransient || notYet.SqlState == PostgresErrorCodes.InvalidCatalogName)
            {
                logger.StoreNotReady(notYet.Message, (int)pause.TotalMilliseconds);
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

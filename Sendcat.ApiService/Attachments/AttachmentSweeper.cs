using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Integrations.Files;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ApiService.Attachments;

/// <summary>
/// Deletes attachments that no message has named in time, and uploads that a crash interrupted; then the content of all deleted attachments
/// in the file store. Every replica runs it; they share the work by row locks.
/// </summary>
internal sealed class AttachmentSweeper(
    NpgsqlDataSource database, IFileStore store, IOptionsMonitor<AttachmentOptions> options, TimeProvider time, StoreOutages outages,
    ILogger<AttachmentSweeper> logger)
    : BackgroundService
{
    /// <summary>The content of a deleted attachment is in the file store for about this time, longer while the store is unavailable.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <summary>An upload that is not complete after this time was interrupted.</summary>
    private static readonly TimeSpan UploadTimeout = TimeSpan.FromHours(1);

    /// <summary>Rows of one transaction.</summary>
    private const int BatchSize = 50;

    private const string Work = "Sweeping of attachments";

    private const string DeleteUnused = """
        -- delete unused attachments
        DELETE FROM attachments WHERE id IN (
          SELECT id FROM attachments
          WHERE attached_at IS NULL AND created_at < $1 AND (stored_at IS NULL OR created_at < $2)
          LIMIT 1000 FOR UPDATE SKIP LOCKED
        )
        """;

    // A deletion that is not committed is repeated: deleting a file twice changes nothing.
    private const string TakeDeleted = """
        -- take deleted attachments
        DELETE FROM deleted_attachments WHERE id IN (SELECT id FROM deleted_attachments ORDER BY deleted_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id
        """;

    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);

    /// <returns>The number of files that were deleted from the store.</returns>
    /// <exception cref="FileStoreException">The store is unavailable; its deletions are repeated in the next round.</exception>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        await using (var unused = database.CreateCommand(DeleteUnused))
        {
            unused.Parameters.Add(new() { Value = began - UploadTimeout });
            unused.Parameters.Add(new() { Value = began - TimeSpan.FromHours(options.CurrentValue.UnusedHours) });
            await unused.ExecuteNonQueryAsync(cancellationToken);
        }

        var total = 0;
        int deleted;
        do
        {
            deleted = await DeleteFilesAsync(cancellationToken);
            total += deleted;
        }
        while (deleted == BatchSize);

        if (total > 0)
        {
            AttachmentMetrics.Deleted(total);
            BackgroundRound.Record("delete files", began, ("sendcat.files.deleted", total));
        }

        return total;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, logger, time).EveryAsync(Interval, TrySweepAsync, stoppingToken);

    private async Task TrySweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SweepAsync(cancellationToken);
            _outage.Ends();
        }
        catch (Exception failure) when (PostgresFailure.Is(failure) || failure is FileStoreException)
        {
            if (_outage.Begins(failure))
            {
                logger.SweepFailed(failure.GetType().Name);
            }
        }
    }

    private async Task<int> DeleteFilesAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var ids = new List<Guid>();
        await using (var take = new NpgsqlCommand(TakeDeleted, connection, transaction))
        {
            take.Parameters.Add(new() { Value = BatchSize });
            await using var reader = await take.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                ids.Add(reader.GetGuid(0));
            }
        }

        foreach (var id in ids)
        {
            await store.DeleteAsync(Attachment.KeyOf(id), cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return ids.Count;
    }
}

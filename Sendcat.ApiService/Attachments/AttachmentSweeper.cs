using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Integrations.Files;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Tables;

namespace Sendcat.ApiService.Attachments;

/// <summary>
/// Deletes attachments that no message has named in time, and uploads that a crash interrupted; then the content of all deleted attachments
/// in the file store. Every replica runs it; they share the work by row locks.
/// </summary>
internal sealed class AttachmentSweeper(
    NpgsqlDataSource database, IFileStore store, IOptionsMonitor<AttachmentOptions> options, TimeProvider time, StoreOutages outages,
    ILogger<AttachmentSweeper> logger)
    : TableSweeper("Sweeping of attachments", Interval, BatchSize, time, outages, logger)
{
    /// <summary>
    /// The content of a deleted attachment is in the file store for about this time, longer while the store is unavailable.
    /// </summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <summary>An upload that is not complete after this time was interrupted.</summary>
    private static readonly TimeSpan UploadTimeout = TimeSpan.FromHours(1);

    /// <summary>Rows of one transaction.</summary>
    private const int BatchSize = 50;

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
        DELETE FROM deleted_attachments WHERE id IN (
          SELECT id FROM deleted_attachments ORDER BY deleted_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING id
        """;

    protected override async Task BeginAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var unused = database.CreateCommand(DeleteUnused);
        unused.Parameters.Add(new() { Value = now - UploadTimeout });
        unused.Parameters.Add(new() { Value = now - TimeSpan.FromHours(options.CurrentValue.UnusedHours) });
        await unused.ExecuteNonQueryAsync(cancellationToken);
    }

    protected override void Swept(int deleted) => AttachmentMetrics.Deleted(deleted);

    /// <summary>Deletions in a store of files that is unavailable are repeated as well.</summary>
    protected override bool IsExpected(Exception failure) => base.IsExpected(failure) || failure is FileStoreException;

    protected override async Task<int> DeleteAsync(DateTimeOffset now, int batchSize, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var ids = new List<Guid>();
        await using (var take = new NpgsqlCommand(TakeDeleted, connection, transaction))
        {
            take.Parameters.Add(new() { Value = batchSize });
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

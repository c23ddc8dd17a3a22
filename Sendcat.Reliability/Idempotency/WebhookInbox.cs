using Npgsql;
using NpgsqlTypes;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.Reliability.Idempotency;

/// <summary>
/// The inbox of webhooks: what was delivered is stored, unique by scope and key, in one transaction with the job that processes it. So an
/// acknowledged delivery is never lost, and a repeated one has no second effect. Only authenticated deliveries may be given to it.
/// </summary>
public sealed class WebhookInbox
{
    private const int MaxBatchSize = 256;
    private const int CleanUpBatchSize = 5_000;

    private readonly RequestDatabase _database;
    private readonly OutboxPublisher _publisher;
    private readonly InboxMetrics _metrics;
    private readonly GroupCommit<IReadOnlyList<InboxEntry>, IReadOnlyList<InboxReceipt>> _deliveries;

    internal WebhookInbox(RequestDatabase database, OutboxPublisher publisher, InboxMetrics metrics)
    {
        (_database, _publisher, _metrics) = (database, publisher, metrics);
        _deliveries = new("commit webhook deliveries", ReceiveAsync, MaxBatchSize);
    }

    /// <summary>
    /// Stores the entries of one delivery with their jobs: all, or none. Concurrent deliveries share a statement and a commit.
    /// </summary>
    /// <returns>The receipts in the order of the entries. When the task has ended they are committed.</returns>
    /// <exception cref="NpgsqlException">Postgres is unavailable: nothing may be acknowledged.</exception>
    public async Task<IReadOnlyList<InboxReceipt>> ReceiveAsync(IReadOnlyList<InboxEntry> entries)
    {
        if (entries.Count == 0)
        {
            return [];
        }

        var receipts = await _deliveries.AddAsync(entries);
        for (var n = 0; n < receipts.Count; n++)
        {
            _metrics.Received(entries[n].Scope, receipts[n].Outcome);
        }

        foreach (var lane in entries.Where((_, n) => !receipts[n].IsReplay).Select(entry => entry.Job.Lane).Distinct())
        {
            _publisher.Signal(lane);
        }

        return receipts;
    }

    /// <inheritdoc cref="ReceiveAsync(IReadOnlyList{InboxEntry})"/>
    public async Task<InboxReceipt> ReceiveAsync(InboxEntry entry) => (await ReceiveAsync([entry]))[0];

    /// <summary>
    /// Claims a key and, if it is new, applies the effect of the delivery in the same transaction. For effects of a few statements.
    /// </summary>
    /// <param name="scope">The kind of deliveries.</param>
    /// <param name="key">What the sender repeats.</param>
    /// <param name="effect">Executes its statements on the connection. When it throws, nothing is stored.</param>
    /// <param name="cancellationToken">Ends the wait for a connection.</param>
    /// <exception cref="NpgsqlException">Postgres is unavailable: nothing may be acknowledged.</exception>
    public async Task<InboxReceipt> ReceiveAsync(
        InboxScope scope, string key, Func<BoundedConnection, Task> effect, CancellationToken cancellationToken)
    {
        await using var connection = await _database.OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync();
        var receipt = await ClaimAsync(connection, scope, key);
        if (!receipt.IsReplay)
        {
            await effect(connection);
        }

        await transaction.CommitAsync(CancellationToken.None);
        _metrics.Received(scope, receipt.Outcome);
        return receipt;
    }

    /// <summary>For a delivery that leads to no work any more: counts it if its key is known.</summary>
    /// <param name="scope">The kind of deliveries.</param>
    /// <param name="key">What the sender repeats.</param>
    /// <returns>The receipt of a replay; null: the key is unknown or has expired, and nothing is stored.</returns>
    /// <exception cref="NpgsqlException">Postgres is unavailable: nothing may be acknowledged.</exception>
    public async Task<InboxReceipt?> RepeatAsync(InboxScope scope, string key)
    {
        await using var connection = await _database.OpenAsync(CancellationToken.None);
        await using var command = connection.CreateCommand(InboxSql.Repeat);
        command.Parameters.Add(new() { Value = scope.Name });
        command.Parameters.Add(new() { Value = InboxScope.DigestOf(key) });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        if (!await reader.ReadAsync(CancellationToken.None))
        {
            return null;
        }

        _metrics.Received(scope, InboxOutcome.Replayed);
        return new(InboxOutcome.Replayed, reader.GetInt32(0), await reader.GetFieldValueAsync<DateTimeOffset>(1, CancellationToken.None));
    }

    /// <summary>Lists the keys of a scope, the newest first.</summary>
    /// <param name="scope">Name of the scope.</param>
    /// <param name="key">Only this key, as its sender sends it; null: all.</param>
    /// <param name="before">The last row of the previous page; null: the first page.</param>
    /// <param name="limit">Most rows to return.</param>
    /// <param name="cancellationToken">Ends the wait for a connection.</param>
    public async Task<IReadOnlyList<InboxRow>> ListRecentByScopeAsync(
        string scope, string? key, (DateTimeOffset FirstSeenAt, Guid DeliveryId)? before, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await _database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(InboxSql.ListRecent);
        command.Parameters.Add(new() { Value = scope });
        command.Parameters.Add(
            new() { Value = (object?)(key is null ? null : InboxScope.DigestOf(key)) ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)before?.FirstSeenAt ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = before?.DeliveryId ?? Guid.Empty });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var rows = new List<InboxRow>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            rows.Add(new(
                reader.GetGuid(0),
                reader.GetString(1),
                reader.GetInt32(2),
                await reader.GetFieldValueAsync<DateTimeOffset>(3, CancellationToken.None),
                await reader.GetFieldValueAsync<DateTimeOffset>(4, CancellationToken.None),
                await reader.GetFieldValueAsync<DateTimeOffset>(5, CancellationToken.None),
                await reader.IsDBNullAsync(6, CancellationToken.None) ? null : reader.GetGuid(6),
                await reader.IsDBNullAsync(7, CancellationToken.None) ? null : reader.GetString(7)));
        }

        return rows;
    }

    /// <summary>Deletes expired keys, in batches of 5 000. For the schedule.</summary>
    /// <returns>The number of deleted keys.</returns>
    public async Task<int> CleanUpAsync(CancellationToken cancellationToken)
    {
        for (var deleted = 0; ;)
        {
            await using var connection = await _database.OpenAsync(cancellationToken);
            await using var command = connection.CreateCommand(InboxSql.CleanUp);
            command.Parameters.Add(new() { Value = CleanUpBatchSize });
            var batch = await command.ExecuteNonQueryAsync(CancellationToken.None);
            deleted += batch;
            if (batch < CleanUpBatchSize)
            {
                return deleted;
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static async Task<InboxReceipt> ClaimAsync(BoundedConnection connection, InboxScope scope, string key)
    {
        await using var command = connection.CreateCommand(InboxSql.Claim);
        command.Parameters.Add(new() { Value = scope.Name });
        command.Parameters.Add(new() { Value = InboxScope.DigestOf(key) });
        command.Parameters.Add(new() { Value = Guid.CreateVersion7() });
        command.Parameters.Add(new() { Value = scope.Lifetime });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);
        return new(
            reader.GetBoolean(0) ? InboxOutcome.Claimed : InboxOutcome.Replayed, reader.GetInt32(1),
            await reader.GetFieldValueAsync<DateTimeOffset>(2, CancellationToken.None));
    }

    private async Task<IReadOnlyList<IReadOnlyList<InboxReceipt>>> ReceiveAsync(IReadOnlyList<IReadOnlyList<InboxEntry>> deliveries)
    {
        // A statement may touch a key once: the first delivery of a key gets the receipt, the others of the group are replays of it.
        var entries = deliveries.SelectMany(delivery => delivery).ToArray();
        var groups = Enumerable.Range(0, entries.Length)
            .GroupBy(n => (entries[n].Scope.Name, InboxScope.DigestOf(entries[n].Key)))
            .Select(group => new KeyGroup(group.Key.Item2, entries[group.First()], [.. group]))
            .ToArray();
        var receipts = new InboxReceipt[entries.Length];
        foreach (var (group, receipt) in groups.Zip(await CommitAsync(groups)))
        {
            for (var copy = 0; copy < group.Positions.Count; copy++)
            {
                receipts[group.Positions[copy]] = new(
                    copy == 0 ? receipt.Outcome : InboxOutcome.Replayed, receipt.Hits - group.Positions.Count + 1 + copy,
                    receipt.FirstSeenAt);
            }
        }

        var taken = 0;
        return [.. deliveries.Select(
            delivery => new ArraySegment<InboxReceipt>(receipts, (taken += delivery.Count) - delivery.Count, delivery.Count))];
    }

    private async Task<InboxReceipt[]> CommitAsync(KeyGroup[] groups)
    {
        var first = Array.ConvertAll(groups, group => group.First);
        await using var connection = await _database.OpenAsync(CancellationToken.None);
        await using var command = connection.CreateCommand(InboxSql.Receive);
        command.Parameters.Add(new() { Value = Array.ConvertAll(first, entry => entry.Scope.Name) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(groups, group => group.Digest) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(first, entry => entry.Scope.Lifetime) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(groups, group => group.Positions.Count) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(first, entry => entry.Job.Id) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(first, entry => entry.Job.Lane.Tool) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(first, entry => entry.Job.Lane.Qos.Name) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(first, entry => entry.Job.Principal) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(first, entry => entry.Job.Arguments) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(first, entry => entry.Job.MaxAttempts) });
        command.Parameters.Add(Texts(Array.ConvertAll(first, entry => entry.Job.Trace.Parent)));
        command.Parameters.Add(Texts(Array.ConvertAll(first, entry => entry.Job.Trace.State)));
        command.Parameters.Add(new() { Value = Array.ConvertAll(first, entry => entry.Coalesces) });

        var receipts = new InboxReceipt[groups.Length];
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        while (await reader.ReadAsync(CancellationToken.None))
        {
            receipts[reader.GetInt64(0) - 1] = new(
                reader.GetBoolean(1) ? InboxOutcome.Claimed : reader.GetBoolean(2) ? InboxOutcome.Retried : InboxOutcome.Replayed,
                reader.GetInt32(3),
                await reader.GetFieldValueAsync<DateTimeOffset>(4, CancellationToken.None));
        }

        return receipts;

        static NpgsqlParameter Texts(string?[] values) => new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };
    }

    /// <summary>The entries of one key in a group of deliveries.</summary>
    /// <param name="Digest">The stored form of the key.</param>
    /// <param name="First">The first of them.</param>
    /// <param name="Positions">Where they stand among all entries.</param>
    private sealed record KeyGroup(string Digest, InboxEntry First, IReadOnlyList<int> Positions);
}

/// <summary>A key of the inbox.</summary>
/// <param name="DeliveryId">The first delivery of the key.</param>
/// <param name="Key">Its digest, see <see cref="InboxScope.DigestOf"/>.</param>
/// <param name="JobId">The job that processes it; null: its effect was applied at once.</param>
/// <param name="JobStatus">Null: it has no job, or its job was completed and removed.</param>
public sealed record InboxRow(
    Guid DeliveryId, string Key, int Hits, DateTimeOffset FirstSeenAt, DateTimeOffset LastSeenAt, DateTimeOffset ExpiresAt, Guid? JobId,
    string? JobStatus);

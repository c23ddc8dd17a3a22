using NpgsqlTypes;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.Reliability.ToolJobs.Bulk;

/// <summary>
/// Changes of all dead letters that match a filter: they are created here, and <see cref="BulkRunner"/> carries them out.
/// </summary>
public sealed class BulkChanges(RequestDatabase database, BulkRunner runner)
{
    /// <summary>
    /// Creates a change of the letters that have died until now, if their number is the expected one. The same statement writes the audit
    /// row of the change, which shows its progress.
    /// </summary>
    /// <param name="action"><see cref="BulkChange.Requeue"/> or <see cref="BulkChange.Discard"/>.</param>
    /// <param name="filter">Its limit is ignored.</param>
    /// <param name="expected">The number of letters that the operator has seen and confirmed, ≥ 1.</param>
    /// <param name="force">A requeue does not wait for circuits.</param>
    /// <returns>The change, or null and the number of letters that match now.</returns>
    public async Task<(BulkChange? Created, int Matched)> CreateAsync(
        string action, DeadLetterFilter filter, int expected, bool force, AuditedBy by, CancellationToken cancellationToken)
    {
        var id = Guid.CreateVersion7();
        int matched;
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            await using var batch = connection.CreateBatch();
            var command = DeadLetters.Planned(batch, BulkSql.Create);
            filter.AddTo(command.Parameters);
            command.Parameters.Add(new() { Value = expected });
            command.Parameters.Add(new() { Value = id });
            command.Parameters.Add(new() { Value = action });
            command.Parameters.Add(new() { Value = filter.What.Length == 0 ? "all" : filter.What });
            command.Parameters.Add(new() { Value = force });
            command.Parameters.Add(new() { Value = by.Actor });
            command.Parameters.Add(by.ReasonParameter());
            matched = (int)(await batch.ExecuteScalarAsync(CancellationToken.None))!;
        }

        if (matched != expected || matched == 0)
        {
            return (null, matched);
        }

        runner.Signal();
        return (await FindAsync(id, cancellationToken), matched);
    }

    /// <returns>Null: there is no such change.</returns>
    public async Task<BulkChange?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(BulkSql.Find);
        command.Parameters.Add(new() { Value = id });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        return await reader.ReadAsync(CancellationToken.None) ? BulkChange.Read(reader) : null;
    }

    /// <summary>The newest changes. They are kept for 30 days after their end.</summary>
    /// <param name="after">The last change of the previous page; null: the first page.</param>
    public async Task<IReadOnlyList<BulkChange>> ListAsync(
        (DateTimeOffset CreatedAt, Guid Id)? after, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(BulkSql.List);
        command.Parameters.Add(new() { Value = (object?)after?.CreatedAt ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = (object?)after?.Id ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var changes = new List<BulkChange>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            changes.Add(BulkChange.Read(reader));
        }

        return changes;
    }

    /// <summary>Stops a change after its present step. The jobs that it has requeued run.</summary>
    /// <returns>False: it has already handled all its letters.</returns>
    public async Task<bool> CancelAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(BulkSql.Cancel);
        command.Parameters.Add(new() { Value = id });
        return await command.ExecuteScalarAsync(CancellationToken.None) is not null;
    }
}

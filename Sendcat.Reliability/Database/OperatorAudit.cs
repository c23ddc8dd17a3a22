namespace Sendcat.Reliability.Database;

/// <summary>
/// The audit log of changes by operators. A change inside Postgres writes its audit row in the same statement; this class audits changes
/// elsewhere, and lists rows.
/// </summary>
public sealed class OperatorAudit(RequestDatabase database, TimeProvider time)
{
    /// <summary>
    /// Makes a change. Its audit row is written before it, so that no change is made without a row, and gets the result afterwards, also
    /// when the change fails or its caller goes away. Only a row of a process that died, or of an outage of Postgres, has no result.
    /// </summary>
    /// <param name="change">Its result, and what the row says about it.</param>
    /// <param name="cancellationToken">Cancels the beginning. The change decides by itself whether its caller may cancel it.</param>
    public async Task<T> RecordAsync<T>(
        AuditedBy by, string action, string target, Func<Task<(T Result, string After)>> change, CancellationToken cancellationToken)
    {
        var entry = await BeginAsync(by, action, target, cancellationToken);
        var after = "cancelled by its caller, perhaps after a part";
        try
        {
            (var result, after) = await change();
            return result;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            after = $"failed: {failure.GetType().Name}";
            throw;
        }
        finally
        {
            await EndAsync(entry, after);
        }
    }

    private async Task<long> BeginAsync(AuditedBy by, string action, string target, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- begin operator audit
            INSERT INTO reliability.operator_audit (actor, action, target, created_at, reason) VALUES ($1, $2, $3, $4, $5) RETURNING id
            """);
        command.Parameters.Add(new() { Value = by.Actor });
        command.Parameters.Add(new() { Value = action });
        command.Parameters.Add(new() { Value = target });
        command.Parameters.Add(new() { Value = time.GetUtcNow() });
        command.Parameters.Add(by.ReasonParameter());
        return (long)(await command.ExecuteScalarAsync(CancellationToken.None))!;
    }

    private async Task EndAsync(long entry, string after)
    {
        await using var connection = await database.OpenAsync(CancellationToken.None);
        await using var command = connection.CreateCommand(
            """
            -- end operator audit
            UPDATE reliability.operator_audit SET after = $2 WHERE id = $1
            """);
        command.Parameters.Add(new() { Value = entry });
        command.Parameters.Add(new() { Value = after });
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>Lists audit rows, the newest first.</summary>
    /// <param name="before">Id of the last row of the previous page; null for the first page.</param>
    /// <param name="limit">Most rows to return.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<IReadOnlyList<OperatorAuditRow>> ListAsync(long? before, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- list operator audit
            SELECT id, actor, action, target, before, after, created_at, reason FROM reliability.operator_audit WHERE id < $1
            ORDER BY id DESC LIMIT $2
            """);
        command.Parameters.Add(new() { Value = before ?? long.MaxValue });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var rows = new List<OperatorAuditRow>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            rows.Add(new()
            {
                Id = reader.GetInt64(0),
                Actor = reader.GetString(1),
                Action = reader.GetString(2),
                Target = reader.GetString(3),
                Before = await reader.IsDBNullAsync(4, CancellationToken.None) ? null : reader.GetString(4),
                After = await reader.IsDBNullAsync(5, CancellationToken.None) ? null : reader.GetString(5),
                CreatedAt = await reader.GetFieldValueAsync<DateTimeOffset>(6, CancellationToken.None),
                Reason = await reader.IsDBNullAsync(7, CancellationToken.None) ? null : reader.GetString(7),
            });
        }

        return rows;
    }
}

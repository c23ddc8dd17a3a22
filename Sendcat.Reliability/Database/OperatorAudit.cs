
namespace Sendcat.Reliability.Database;

/// <summary>
/// The audit log of changes by operators. A change inside Postgres writes its audit row in the same statement; this class audits changes
/// elsewhere, and lists rows.
/// </summary>
public sealed class OperatorAudit(RequestDatabase database, TimeProvider time)
{
    /// <summary>Writes an audit row before the change, so that no change is made without a row.</summary>
    /// <returns>Id of the row, for <see cref="EndAsync"/>.</returns>
    public async Task<long> BeginAsync(AuditedBy by, string action, string target, CancellationToken cancellationToken)
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

    /// <summary>Adds the result of the change to its audit row.</summary>
    public async Task EndAsync(long entry, string after, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
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

using NpgsqlTypes;

namespace Sendcat.Reliability.Database;

/// <summary>
/// The keys by name of operators and viewers, as hashes. A statement that makes or revokes a key writes its audit row too.
/// </summary>
public sealed class OperatorKeys(RequestDatabase database, TimeProvider time)
{
    /// <summary>The most keys that are valid at the same time: every replica compares a presented key with all of them.</summary>
    public const int MaxValid = 100;

    private const string Columns = "id, name, role, hash, made_by, made_at, revoked_at, revoked_by";

    /// <summary>The valid keys, by name.</summary>
    public Task<IReadOnlyList<OperatorKeyRow>> ValidAsync(CancellationToken cancellationToken) => ReadAsync(
        $"""
        -- list valid operator keys
        SELECT {Columns} FROM reliability.operator_keys WHERE revoked_at IS NULL ORDER BY name LIMIT {MaxValid}
        """,
        [],
        cancellationToken);

    /// <summary>The keys that were revoked, the newest first.</summary>
    /// <param name="limit">Most rows to return.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task<IReadOnlyList<OperatorKeyRow>> RevokedAsync(int limit, CancellationToken cancellationToken) => ReadAsync(
        $"""
        -- list revoked operator keys
        SELECT {Columns} FROM reliability.operator_keys WHERE revoked_at IS NOT NULL ORDER BY revoked_at DESC LIMIT $1
        """,
        [limit],
        cancellationToken);

    /// <summary>Stores a key.</summary>
    /// <param name="role"><c>operator</c> or <c>viewer</c>.</param>
    /// <param name="hash">SHA-256 of the key.</param>
    /// <returns>Null when a valid key has the name, or when there are <see cref="MaxValid"/> valid keys.</returns>
    public async Task<OperatorKeyRow?> MakeAsync(string name, string role, byte[] hash, AuditedBy by,
        CancellationToken cancellationToken) =>
        (await ReadAsync(
            $"""
            -- make operator key
            WITH made AS (
                INSERT INTO reliability.operator_keys (id, name, role, hash, made_by, made_at)
                SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM reliability.operator_keys WHERE revoked_at IS NULL) < {MaxValid}
                ON CONFLICT DO NOTHING RETURNING {Columns}
            ), audited AS (
                INSERT INTO reliability.operator_audit (actor, action, target, after, created_at, reason)
                SELECT $5, 'key.make', name, role, $6, $7 FROM made
            )
            SELECT {Columns} FROM made
            """,
            [Guid.CreateVersion7(time.GetUtcNow()), name, role, hash, by.Actor, time.GetUtcNow(), by.Reason],
            cancellationToken)).SingleOrDefault();

    /// <summary>Revokes the valid key with this name.</summary>
    /// <returns>Null when there is none.</returns>
    public async Task<OperatorKeyRow?> RevokeAsync(string name, AuditedBy by, CancellationToken cancellationToken) =>
        (await ReadAsync(
            $"""
            -- revoke operator key
            WITH revoked AS (
                UPDATE reliability.operator_keys SET revoked_at = $3, revoked_by = $2 WHERE name = $1 AND revoked_at IS NULL
                  RETURNING {Columns}
            ), audited AS (
                INSERT INTO reliability.operator_audit (actor, action, target, before, created_at, reason)
                SELECT $2, 'key.revoke', name, role, $3, $4 FROM revoked
            )
            SELECT {Columns} FROM revoked
            """,
            [name, by.Actor, time.GetUtcNow(), by.Reason],
            cancellationToken)).SingleOrDefault();

    private async Task<IReadOnlyList<OperatorKeyRow>> ReadAsync(string sql, IReadOnlyList<object?> parameters,
        CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(sql);
        foreach (var value in parameters)
        {
            command.Parameters.Add(
                value is null ? new() { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text } : new() { Value = value });
        }

        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var rows = new List<OperatorKeyRow>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            rows.Add(new()
            {
                Id = reader.GetGuid(0),
                Name = reader.GetString(1),
                Role = reader.GetString(2),
                Hash = await reader.GetFieldValueAsync<byte[]>(3, CancellationToken.None),
                MadeBy = reader.GetString(4),
                MadeAt = await reader.GetFieldValueAsync<DateTimeOffset>(5, CancellationToken.None),
                RevokedAt = await reader.IsDBNullAsync(6, CancellationToken.None)
                    ? null : await reader.GetFieldValueAsync<DateTimeOffset>(6, CancellationToken.None),
                RevokedBy = await reader.IsDBNullAsync(7, CancellationToken.None) ? null : reader.GetString(7),
            });
        }

        return rows;
    }
}

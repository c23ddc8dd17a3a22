using Npgsql;
using NpgsqlTypes;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>Connected mailboxes in Postgres: who syncs one, its tokens and its watch.</summary>
internal sealed class Mailboxes(NpgsqlDataSource database)
{
    /// <summary>Longer than an attempt of a job may last, so that the lease needs no renewal.</summary>
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(150);

    private const string Columns =
        "id, user_id, email, refresh_token, access_token, access_token_expires_at, history_id, watch_renewed_at, last_sync_at, sync_token";

    /// <summary>
    /// Takes the mailbox for the sync of a running job. A lease whose job runs no longer, because its worker was killed, counts no more.
    /// </summary>
    /// <returns>Null: another sync has it, or it cannot be read.</returns>
    public Task<Mailbox?> AcquireAsync(Guid id, CancellationToken cancellationToken) => ReadOneAsync(
        $"""
        -- acquire mailbox
        UPDATE gmail_connections SET sync_token = sync_token + 1, sync_lease_until = statement_timestamp() + $2
        WHERE id = $1 AND status = 'active' AND (sync_lease_until IS NULL OR sync_lease_until <= statement_timestamp() OR 1 >= (
            SELECT count(*) FROM reliability.tool_jobs j
            WHERE j.tool = 'mail_sync' AND j.status = 'running' AND j.lease_expires_at > statement_timestamp()
                AND j.principal IN ('gmail:' || gmail_connections.id, 'gmail-push:' || gmail_connections.id)))
        RETURNING {Columns}
        """,
        cancellationToken, new() { Value = id }, new() { Value = LeaseTime });

    public Task ReleaseAsync(Mailbox mailbox) => ExecuteAsync(
        """
        -- release mailbox
        UPDATE gmail_connections SET sync_lease_until = NULL WHERE id = $1 AND sync_token = $2
        """,
        CancellationToken.None, new() { Value = mailbox.Id }, new() { Value = mailbox.SyncToken });

    /// <summary>Active mailboxes whose watch was not renewed for this time.</summary>
    public async Task<IReadOnlyList<Mailbox>> UnwatchedAsync(TimeSpan age, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            $"""
            -- find mailboxes to watch
            SELECT {Columns} FROM gmail_connections
            WHERE status = 'active' AND (watch_renewed_at IS NULL OR watch_renewed_at <= statement_timestamp() - $1)
            ORDER BY watch_renewed_at NULLS FIRST LIMIT $2
            """);
        command.Parameters.Add(new() { Value = age });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var mailboxes = new List<Mailbox>();
        while (await reader.ReadAsync(cancellationToken))
        {
            mailboxes.Add(await OfAsync(reader, cancellationToken));
        }

        return mailboxes;
    }

    /// <summary>Active mailboxes whose watch ends within this time, or that have none although they were connected an hour ago.</summary>
    public async Task<(int Count, IReadOnlyList<Guid> Samples)> EndingWatchesAsync(TimeSpan within, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- find ending watches
            SELECT count(*)::int, (array_agg(id ORDER BY watch_expires_at NULLS FIRST))[1:5] FROM gmail_connections
            WHERE status = 'active' AND coalesce(watch_expires_at, connected_at + INTERVAL '1 hour' + $1) < statement_timestamp() + $1
            """);
        command.Parameters.Add(new() { Value = within });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt32(0), await reader.IsDBNullAsync(
            1, cancellationToken) ? [] : await reader.GetFieldValueAsync<Guid[]>(1, cancellationToken));
    }

    /// <param name="mailbox">The mailbox.</param>
    /// <param name="until">When Gmail stops to notify us; null: the renewal failed, and is tried again in an hour.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    public Task WatchedAsync(Mailbox mailbox, DateTimeOffset? until, CancellationToken cancellationToken) => ExecuteAsync(
        """
        -- write watch of mailbox
        UPDATE gmail_connections SET
            watch_expires_at = coalesce($2, watch_expires_at),
            watch_renewed_at = CASE WHEN $2 IS NULL THEN statement_timestamp() - INTERVAL '23 hours' ELSE statement_timestamp() END
        WHERE id = $1
        """,
        cancellationToken, new() { Value = mailbox.Id },
        new() { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = (object?)until?.ToUniversalTime() ?? DBNull.Value });

    /// <summary>Stores encrypted tokens, unless the mailbox was connected again meanwhile.</summary>
    public Task StoreTokensAsync(
        Mailbox mailbox, string refresh, string? access, DateTimeOffset? expiresAt, CancellationToken cancellationToken) => ExecuteAsync(
        """
        -- write tokens of mailbox
        UPDATE gmail_connections SET refresh_token = $3, access_token = $4, access_token_expires_at = $5 WHERE id = $1
            AND refresh_token = $2
        """,
        cancellationToken, new() { Value = mailbox.Id }, new() { Value = mailbox.RefreshToken }, new() { Value = refresh },
        new() { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)access ?? DBNull.Value },
        new() { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = (object?)expiresAt?.ToUniversalTime() ?? DBNull.Value });

    /// <summary>Notes that only the user can help: Google accepts the consent no longer.</summary>
    /// <returns>False: the mailbox was connected again meanwhile.</returns>
    public async Task<bool> NeedsConsentAsync(Mailbox mailbox, CancellationToken cancellationToken) => await ExecuteAsync(
        """
        -- note missing consent
        UPDATE gmail_connections SET status = 'needs_reauth', access_token = NULL, watch_expires_at = NULL WHERE id = $1
            AND refresh_token = $2 AND status = 'active'
        """,
        cancellationToken, new() { Value = mailbox.Id }, new() { Value = mailbox.RefreshToken }) > 0;

    /// <summary>Whether the address was connected again after a consent that ended.</summary>
    public async Task<bool> IsConnectedAgainAsync(string normalizedEmail, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- find newer consent
            SELECT EXISTS (SELECT FROM gmail_connections WHERE normalized_email = $1 AND connected_at > $2 AND status = 'active')
            """);
        command.Parameters.Add(new() { Value = normalizedEmail });
        command.Parameters.Add(new() { Value = since.ToUniversalTime() });
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private async Task<Mailbox?> ReadOneAsync(string sql, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? await OfAsync(reader, cancellationToken) : null;
    }

    private static async Task<Mailbox> OfAsync(NpgsqlDataReader reader, CancellationToken cancellationToken) => new(
        reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetInt64(6), reader.GetInt64(9))
    {
        AccessToken = await reader.IsDBNullAsync(4, cancellationToken) ? null : reader.GetString(4),
        AccessTokenExpiresAt = await TimeAsync(reader, 5, cancellationToken),
        WatchRenewedAt = await TimeAsync(reader, 7, cancellationToken),
        LastSyncAt = await TimeAsync(reader, 8, cancellationToken),
    };

    private static async Task<DateTimeOffset?> TimeAsync(NpgsqlDataReader reader, int column, CancellationToken cancellationToken) =>
        await reader.IsDBNullAsync(column, cancellationToken)
            ? null
            : await reader.GetFieldValueAsync<DateTimeOffset>(column, cancellationToken);

    private async Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>A connected mailbox.</summary>
/// <param name="RefreshToken">Encrypted.</param>
/// <param name="HistoryId">The history id up to which it was listed.</param>
/// <param name="SyncToken">The fencing token of the sync that has it.</param>
internal sealed record Mailbox(Guid Id, string UserId, string Email, string RefreshToken, long HistoryId, long SyncToken)
{
    /// <summary>Encrypted; null: none.</summary>
    public string? AccessToken { get; init; }

    public DateTimeOffset? AccessTokenExpiresAt { get; init; }

    /// <summary>Null: it was never watched since it was connected.</summary>
    public DateTimeOffset? WatchRenewedAt { get; init; }

    public DateTimeOffset? LastSyncAt { get; init; }
}

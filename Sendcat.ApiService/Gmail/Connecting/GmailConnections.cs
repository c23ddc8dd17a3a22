using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.Integrations.Encryption;
using Sendcat.Integrations.Gmail;
using Sendcat.Integrations.Google;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.ApiService.Gmail.Connecting;

/// <summary>Stores and deletes connected mailboxes, and enqueues what the worker does for them.</summary>
internal sealed class GmailConnections(
    RequestDatabase database, SecretCipher cipher, IOptionsMonitor<MailSyncOptions> options, OutboxPublisher publisher, TimeProvider time,
    ILogger<GmailConnections> logger)
{
    /// <summary>Days that the first sync goes back.</summary>
    public const int DaysBack = 30;

    /// <summary>
    /// The job that stops the watch and revokes the consent of a mailbox that is being deleted. The token stays encrypted.
    /// </summary>
    private const string Ended = """
        jsonb_build_object('ended', jsonb_build_object(
            'userId', gone.user_id, 'email', gone.normalized_email, 'refreshToken', gone.refresh_token,
                'connectedAt', gone.connected_at))::text
        """;

    /// <summary>For the deletion of an account: mailboxes go with their syncs, and their consents are revoked.</summary>
    public const string DeleteOfAccount = $"""
        -- delete mailbox of account
        WITH jobs AS (
            DELETE FROM reliability.tool_jobs WHERE tool = 'mail_sync' AND principal IN (SELECT 'gmail:' || id FROM gmail_connections
                WHERE user_id = @user)
        ), gone AS (
            DELETE FROM gmail_connections WHERE user_id = @user RETURNING user_id, normalized_email, refresh_token, connected_at
        )
        SELECT reliability.enter_job(gen_random_uuid(), 'mail_sync', 'background', 'gmail:ended', {Ended}, 10, NULL, NULL) FROM gone
        """;

    /// <summary>Connects a mailbox, instead of the one that the user had, and enqueues its first sync.</summary>
    /// <param name="userId">The user.</param>
    /// <param name="profile">The mailbox.</param>
    /// <param name="refreshToken">The refresh token.</param>
    /// <param name="tokens">The other tokens.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>False: the mailbox belongs to another user.</returns>
    /// <exception cref="PostgresException">The account does not exist any more.</exception>
    public async Task<bool> ConnectAsync(
        string userId, GmailProfile profile, string refreshToken, GoogleTokens tokens, CancellationToken cancellationToken)
    {
        var now = PostgresTime.Now(time);
        var normalized = profile.Email.ToLowerInvariant();
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync();

        // Another mailbox of the user is replaced. One that another user can no longer read is free.
        await using (var freeing = connection.CreateCommand(
            $"""
            -- free mailbox
            WITH gone AS (
                DELETE FROM gmail_connections
                WHERE (user_id = @user AND normalized_email <> @normalized) OR (user_id <> @user AND normalized_email = @normalized
                    AND status <> 'active')
                RETURNING user_id, normalized_email, refresh_token, connected_at
            )
            SELECT reliability.enter_job(gen_random_uuid(), 'mail_sync', 'background', 'gmail:ended', {Ended}, 10, NULL, NULL)
            FROM gone WHERE gone.normalized_email <> @normalized
            """))
        {
            freeing.Parameters.AddRange(new NpgsqlParameter[] { new("user", userId), new("normalized", normalized) });
            await freeing.ExecuteNonQueryAsync(CancellationToken.None);
        }

        Guid mailbox;
        await using (var connecting = connection.CreateCommand(
            """
            -- connect mailbox
            INSERT INTO gmail_connections AS c
                (id, user_id, email, normalized_email, status, refresh_token, access_token, access_token_expires_at, history_id,
                    connected_at, sync_token)
            VALUES (@id, @user, @email, @normalized, 'active', @refresh, @access, @expires, @history, @now, 0)
            ON CONFLICT (normalized_email) DO UPDATE SET
                email = excluded.email, status = 'active', refresh_token = excluded.refresh_token, access_token = excluded.access_token,
                access_token_expires_at = excluded.access_token_expires_at, connected_at = excluded.connected_at, watch_renewed_at = NULL
                WHERE c.user_id = excluded.user_id
            RETURNING id
            """))
        {
            connecting.Parameters.AddRange(new NpgsqlParameter[]
            {
                new("id", Guid.CreateVersion7(now)), new("user", userId), new("email", profile.Email), new("normalized", normalized),
                new("refresh", cipher.Encrypt(GmailConsents.RefreshPurpose, userId, refreshToken)),
                new("access", cipher.Encrypt(GmailConsents.AccessPurpose, userId, tokens.AccessToken)),
                new("expires", now + tokens.ExpiresIn), new("history", profile.HistoryId), new("now", now),
            });
            if (await connecting.ExecuteScalarAsync(CancellationToken.None) is not Guid stored)
            {
                return false;
            }

            mailbox = stored;
        }

        await GmailSyncEntry.EnterAsync(
            connection.CreateCommand, mailbox, GmailSyncKind.Full, "connect", DaysBack, options.CurrentValue.MaxAttempts, now,
            cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);
        publisher.Signal(QueuedWork.MailSync.Lane);
        logger.MailboxConnected(userId, mailbox);
        return true;
    }

    /// <summary>Deletes the mailbox of a user. The worker stops its watch and revokes the consent.</summary>
    public async Task DisconnectAsync(string userId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            $"""
            -- disconnect mailbox
            WITH gone AS (
                DELETE FROM gmail_connections WHERE user_id = @user RETURNING id, user_id, normalized_email, refresh_token, connected_at
            )
            SELECT gone.id, reliability.enter_job(@job, @tool, @class, @principal, {Ended}, @attempts, @trace_parent, @trace_state)::text
                FROM gone
            """);
        var entry = new JobEntry(
            Guid.CreateVersion7(time.GetUtcNow()), QueuedWork.MailSync.Lane, "gmail:ended", "{}", options.CurrentValue.MaxAttempts);
        command.Parameters.AddRange(entry.Parameters.Where(parameter => parameter.ParameterName is not ("id" or "args")).ToArray());
        command.Parameters.Add(new("job", entry.Id));
        command.Parameters.Add(new("user", userId));
        if (await command.ExecuteScalarAsync(CancellationToken.None) is Guid mailbox)
        {
            publisher.Signal(QueuedWork.MailSync.Lane);
            logger.MailboxDisconnected(userId, mailbox);
        }
    }

    /// <summary>Enqueues a sync of the last 30 days, unless one is queued or running.</summary>
    /// <returns>The sync; null when no mailbox is connected, or it needs a new consent.</returns>
    public async Task<Guid?> SyncAsync(string userId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var finding = connection.CreateCommand(
            """
            -- find mailbox to sync
            SELECT c.id, (SELECT s.id FROM gmail_syncs s WHERE s.connection_id = c.id AND s.kind = 'full' AND s.cause IN ('connect', 'user')
                AND s.state IN ('queued', 'running') ORDER BY s.created_at DESC LIMIT 1)
            FROM gmail_connections c WHERE c.user_id = $1 AND c.status = 'active'
            """);
        finding.Parameters.Add(new() { Value = userId });
        Guid mailbox;
        await using (var reader = await finding.ExecuteReaderAsync(CancellationToken.None))
        {
            if (!await reader.ReadAsync(CancellationToken.None))
            {
                return null;
            }

            if (!await reader.IsDBNullAsync(1, CancellationToken.None))
            {
                return reader.GetGuid(1);
            }

            mailbox = reader.GetGuid(0);
        }

        var sync = await GmailSyncEntry.EnterAsync(
            connection.CreateCommand, mailbox, GmailSyncKind.Full, "user", DaysBack, options.CurrentValue.MaxAttempts, time.GetUtcNow(),
            cancellationToken);
        publisher.Signal(QueuedWork.MailSync.Lane);
        return sync?.Id;
    }
}

using Npgsql;
using NpgsqlTypes;

namespace Sendcat.Integrations.WhatsApp;

/// <summary>
/// Which WhatsApp user belongs to which account. A WhatsApp user has a business-scoped id, a phone number or both, and is recognized by the
/// id first: the number may be hidden, may change, and may later belong to somebody else.
/// </summary>
/// <param name="command">Creates a command in an open transaction.</param>
public sealed class WhatsAppLinks(Func<string, NpgsqlCommand> command)
{
    /// <summary>
    /// The link of a sender, which learns what the message tells beyond it. A phone number alone does not identify a sender whose id
    /// differs from that of the link: the number has got a new owner.
    /// </summary>
    /// <param name="userId">Business-scoped id of the sender; null without one.</param>
    /// <param name="phone">Phone number of the sender; null: it is hidden.</param>
    /// <param name="sentAt">When the message was sent: the number may have changed since. Null: now.</param>
    /// <param name="cancellationToken">Cancels the statements.</param>
    /// <returns>Null: the sender is not linked.</returns>
    public async Task<string?> FindAsync(string? userId, string? phone, DateTimeOffset? sentAt, CancellationToken cancellationToken)
    {
        var present = phone is not null && sentAt is { } at ? await PresentAsync(phone, at, cancellationToken) : phone;
        if (await ReadAsync(
            """
            -- find whatsapp link
            SELECT user_id, phone, business_user_id FROM whatsapp_links
            WHERE business_user_id = $1 OR (phone = $2 AND (business_user_id IS NULL OR $1 IS NULL))
            ORDER BY (business_user_id = $1) DESC NULLS LAST LIMIT 1 FOR UPDATE
            """,
            userId, present, cancellationToken) is not { } link)
        {
            return null;
        }

        // A number that has changed since is not that of the link any more.
        phone = present == phone ? phone : null;
        if ((phone is not null && phone != link.Phone) || (userId is not null && userId != link.BusinessUserId))
        {
            await MoveAsync(link.UserId, userId, phone, cancellationToken);
        }

        return link.UserId;
    }

    /// <summary>
    /// Applies a change of the id or the phone number that Meta reports. A repetition has no effect, and changes of one user may come in
    /// any order.
    /// </summary>
    /// <param name="change">The change.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellationToken">Cancels the statements.</param>
    public async Task ApplyAsync(WhatsAppIdChange change, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var phone = change.NewPhone;
        if (change is { OldPhone: { } former, NewPhone: { } present } && former != present)
        {
            var at = change.At < now ? change.At.Value : now;
            await using var store = Command(
                """
                -- store whatsapp number change
                INSERT INTO whatsapp_number_changes (former, present, changed_at) VALUES ($1, $2, $3)
                ON CONFLICT (former, changed_at) DO UPDATE SET present = excluded.present
                """,
                Text(former), Text(present), new() { Value = at });
            await store.ExecuteNonQueryAsync(cancellationToken);
            phone = await PresentAsync(present, at, cancellationToken);
        }

        if (await ReadAsync(
            """
            -- find changed whatsapp link
            SELECT user_id, phone, business_user_id FROM whatsapp_links
            WHERE business_user_id = $1 OR (phone = $2 AND (business_user_id IS NULL OR $1 IS NULL))
            ORDER BY (business_user_id = $1) DESC NULLS LAST LIMIT 1 FOR UPDATE
            """,
            change.OldUserId, change.OldPhone, cancellationToken) is { } link)
        {
            await MoveAsync(link.UserId, change.NewUserId, phone, cancellationToken);
        }
    }

    /// <summary>Links a sender to the account that a code belongs to, and consumes the code.</summary>
    /// <param name="code">See <see cref="LinkingCode.Read"/>.</param>
    /// <param name="userId">Business-scoped id of the sender; null without one.</param>
    /// <param name="phone">Phone number of the sender; null: it is hidden.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellationToken">Cancels the statements.</param>
    public async Task<LinkOutcome> LinkAsync(
        string code, string? userId, string? phone, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var find = Command(
            """
            -- find linking code
            SELECT user_id FROM whatsapp_linking_codes WHERE code = $1 AND expires_at > $2 FOR UPDATE
            """,
            new() { Value = code }, new() { Value = now });
        if (await find.ExecuteScalarAsync(cancellationToken) is not string account)
        {
            return LinkOutcome.UnknownCode;
        }

        var known = await FindAsync(userId, phone, sentAt: null, cancellationToken);
        if (known is not null && known != account)
        {
            return LinkOutcome.OtherAccount;
        }

        await using var consume = Command(
            """
            -- consume linking code
            DELETE FROM whatsapp_linking_codes WHERE user_id = $1
            """,
            new NpgsqlParameter { Value = account });
        await consume.ExecuteNonQueryAsync(cancellationToken);
        if (known is not null)
        {
            return LinkOutcome.LinkedBefore;
        }

        await ReleaseAsync(account, userId, phone, cancellationToken);
        await using var link = Command(
            """
            -- link whatsapp user
            INSERT INTO whatsapp_links (user_id, phone, business_user_id, connected_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (user_id) DO UPDATE SET
                phone = excluded.phone, business_user_id = excluded.business_user_id, connected_at = excluded.connected_at,
                last_message_at = NULL
            """,
            new() { Value = account }, Text(phone), Text(userId), new() { Value = now });
        await link.ExecuteNonQueryAsync(cancellationToken);
        return LinkOutcome.Linked;
    }

    /// <summary>The number that the user of a number at this time has now, after all changes that were reported.</summary>
    private async Task<string> PresentAsync(string phone, DateTimeOffset at, CancellationToken cancellationToken)
    {
        await using var follow = Command(
            """
            -- follow whatsapp number changes
            WITH RECURSIVE used AS (
                SELECT $1::text AS phone, $2::timestamptz AS since, 0 AS changes
                UNION ALL
                SELECT later.present, later.changed_at, used.changes + 1 FROM used CROSS JOIN LATERAL (
                    SELECT present, changed_at FROM whatsapp_number_changes
                    WHERE former = used.phone AND (changed_at > used.since OR changed_at = used.since AND used.changes = 0)
                    ORDER BY changed_at LIMIT 1) later
                WHERE used.changes < 20
            )
            SELECT phone FROM used ORDER BY changes DESC LIMIT 1
            """,
            Text(phone), new() { Value = at.ToUniversalTime() });
        return (string)(await follow.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task MoveAsync(string account, string? userId, string? phone, CancellationToken cancellationToken)
    {
        await ReleaseAsync(account, userId, phone, cancellationToken);
        await using var move = Command(
            """
            -- move whatsapp link
            UPDATE whatsapp_links SET business_user_id = coalesce($2, business_user_id), phone = coalesce($3, phone) WHERE user_id = $1
            """,
            new() { Value = account }, Text(userId), Text(phone));
        await move.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>An id and a number belong to one account: others lose them, and a link without either is deleted.</summary>
    private async Task ReleaseAsync(string account, string? userId, string? phone, CancellationToken cancellationToken)
    {
        await using var delete = Command(
            """
            -- delete whatsapp links of others
            DELETE FROM whatsapp_links WHERE user_id <> $1 AND (phone = $3 OR business_user_id = $2)
                AND (phone IS NULL OR phone = $3) AND (business_user_id IS NULL OR business_user_id = $2)
            """,
            new() { Value = account }, Text(userId), Text(phone));
        await delete.ExecuteNonQueryAsync(cancellationToken);
        await using var release = Command(
            """
            -- release whatsapp identity
            UPDATE whatsapp_links SET phone = CASE WHEN phone = $3 THEN NULL ELSE phone END,
                business_user_id = CASE WHEN business_user_id = $2 THEN NULL ELSE business_user_id END
            WHERE user_id <> $1 AND (phone = $3 OR business_user_id = $2)
            """,
            new() { Value = account }, Text(userId), Text(phone));
        await release.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<(string UserId, string? Phone, string? BusinessUserId)?> ReadAsync(
        string sql, string? userId, string? phone, CancellationToken cancellationToken)
    {
        await using var query = Command(sql, Text(userId), Text(phone));
        await using var reader = await query.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? (
                reader.GetString(0),
                await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetString(1),
                await reader.IsDBNullAsync(2, cancellationToken) ? null : reader.GetString(2))
            : null;
    }

    private NpgsqlCommand Command(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var created = command(sql);
        foreach (var parameter in parameters)
        {
            created.Parameters.Add(parameter);
        }

        return created;
    }

    private static NpgsqlParameter Text(string? value) =>
        new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}

/// <summary>What a linking code did.</summary>
public enum LinkOutcome
{
    /// <summary>No such code, or it has expired.</summary>
    UnknownCode,

    /// <summary>The sender is now linked to the account of the code; a link of the account to another phone has ended.</summary>
    Linked,

    /// <summary>The sender was linked to the account before.</summary>
    LinkedBefore,

    /// <summary>The sender is linked to another account. The code stays valid.</summary>
    OtherAccount,
}

using Npgsql;
using NpgsqlTypes;

namespace Sendcat.Integrations.Orders;

/// <summary>
/// The drafts of one user in an open transaction. All that changes drafts, parcels and pre-alerts of a user begins with
/// <see cref="LockAsync"/>: two mails about one order, and a mail and the user's own change, come one after the other.
/// </summary>
/// <param name="command">Creates a command in the transaction.</param>
/// <param name="userId">The owner.</param>
/// <param name="now">The time of the change.</param>
internal sealed class DraftRows(Func<string, NpgsqlCommand> command, string userId, DateTimeOffset now)
{
    /// <summary>Creates a command in the transaction.</summary>
    public Func<string, NpgsqlCommand> Create { get; } = command;

    private const string Columns =
        "id, status, merchant, store_name, order_numbers, items_summary, total_amount, total_currency, confidence, invoice_present, invoice_id, confirmed_at";

    /// <summary>What a user has confirmed comes before what is open, and that before what is rejected; then the oldest.</summary>
    private const string Rank = "CASE status WHEN 'confirmed' THEN 0 WHEN 'draft' THEN 1 ELSE 2 END, created_at, id";

    /// <summary>Waits until no other transaction changes the drafts of the user.</summary>
    /// <returns>False: the account does not exist. It cannot be deleted before the transaction ends.</returns>
    public async Task<bool> LockAsync(CancellationToken cancellationToken)
    {
        await ExecuteAsync(
            """
            -- lock orders of user
            SELECT pg_advisory_xact_lock(hashtextextended('orders:' || $1, 0))
            """,
            cancellationToken, userId);
        await using var find = Command(
            """
            -- hold user of orders
            SELECT id FROM users WHERE id = $1 FOR KEY SHARE
            """,
            userId);
        return await find.ExecuteScalarAsync(cancellationToken) is not null;
    }

    /// <summary>The drafts about an order of these numbers, the first one being that which remains.</summary>
    /// <param name="numbers">Upper case.</param>
    /// <param name="merchant">A short number counts only if both name the same merchant, or one of them none.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task<IReadOnlyList<DraftRow>> FindByOrderAsync(IReadOnlyList<string> numbers, string merchant, CancellationToken cancellationToken) =>
        numbers.Count == 0 ? Task.FromResult<IReadOnlyList<DraftRow>>([]) : ReadAsync(
            $"""
            -- find drafts by order number
            SELECT {Columns} FROM purchase_drafts
            WHERE user_id = $1 AND order_numbers && $2 AND EXISTS (
                SELECT FROM unnest(order_numbers) number
                WHERE number = ANY($2) AND (length(number) >= $4 OR merchant = $3 OR merchant = $5 OR $3 = $5))
            ORDER BY {Rank}
            """,
            cancellationToken, userId, numbers.ToArray(), merchant, OrderText.ShortestUniqueNumber, OrderText.Unknown);

    /// <summary>The drafts that have one of these parcels, the first one being that which remains.</summary>
    public Task<IReadOnlyList<DraftRow>> FindByTrackingAsync(IReadOnlyList<string> numbers, CancellationToken cancellationToken) =>
        numbers.Count == 0 ? Task.FromResult<IReadOnlyList<DraftRow>>([]) : ReadAsync(
            $"""
            -- find drafts by tracking number
            SELECT {Columns} FROM purchase_drafts
            WHERE user_id = $1 AND id IN (SELECT draft_id FROM draft_parcels WHERE user_id = $1 AND tracking_number = ANY($2))
            ORDER BY {Rank}
            """,
            cancellationToken, userId, numbers.ToArray());

    public async Task<DraftRow?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        (await ReadAsync(
            $"""
            -- find draft
            SELECT {Columns} FROM purchase_drafts WHERE user_id = $1 AND id = $2
            """,
            cancellationToken, userId, id)) is [var draft] ? draft : null;

    public async Task<DraftRow> InsertAsync(DraftContent content, CancellationToken cancellationToken)
    {
        var draft = new DraftRow(Guid.CreateVersion7(now), DraftStatus.Draft, content, null, null);
        await using var insert = Command(
            """
            -- insert draft
            INSERT INTO purchase_drafts (id, user_id, status, merchant, store_name, order_numbers, items_summary, total_amount, total_currency, confidence,
                invoice_present, created_at, updated_at)
            VALUES ($2, $1, 'draft', $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
            """,
            userId, draft.Id);
        AddContent(insert, content);
        insert.Parameters.Add(new() { Value = now });
        await insert.ExecuteNonQueryAsync(cancellationToken);
        return draft;
    }

    /// <summary>Writes the content of a draft, if it differs from what is stored.</summary>
    public async Task<DraftRow> UpdateAsync(DraftRow draft, DraftContent content, CancellationToken cancellationToken)
    {
        if (content.Equals(draft.Content with { OrderNumbers = content.OrderNumbers }) && content.OrderNumbers.SequenceEqual(draft.Content.OrderNumbers, StringComparer.Ordinal))
        {
            return draft;
        }

        await using var update = Command(
            """
            -- update draft
            UPDATE purchase_drafts SET merchant = $3, store_name = $4, order_numbers = $5, items_summary = $6, total_amount = $7, total_currency = $8,
                confidence = $9, invoice_present = $10, updated_at = $11
            WHERE user_id = $1 AND id = $2
            """,
            userId, draft.Id);
        AddContent(update, content);
        update.Parameters.Add(new() { Value = now });
        await update.ExecuteNonQueryAsync(cancellationToken);
        return draft with { Content = content };
    }

    /// <summary>
    /// Folds other drafts about the same order into one: their fields fill what is missing, their parcels, pre-alerts, evidence and invoice
    /// become its own, and they are deleted.
    /// </summary>
    /// <returns>The draft that remains.</returns>
    public async Task<DraftRow> FoldAsync(DraftRow draft, IReadOnlyList<DraftRow> duplicates, CancellationToken cancellationToken)
    {
        if (duplicates.Count == 0)
        {
            return draft;
        }

        var content = duplicates.Aggregate(draft.Content, (filled, duplicate) => filled.FilledBy(duplicate.Content));
        draft = await UpdateAsync(draft, content, cancellationToken);
        await ExecuteAsync(
            """
            -- fold drafts
            WITH parcels AS (
                UPDATE draft_parcels SET draft_id = $2 WHERE user_id = $1 AND draft_id = ANY($3)
            ), pre_alerts AS (
                UPDATE pre_alerts SET draft_id = $2, updated_at = $4 WHERE user_id = $1 AND draft_id = ANY($3)
            ), evidence AS (
                INSERT INTO draft_evidence (draft_id, evidence_id) SELECT DISTINCT $2::uuid, evidence_id FROM draft_evidence WHERE draft_id = ANY($3) ON CONFLICT DO NOTHING
            )
            UPDATE purchase_drafts SET updated_at = $4, invoice_id = coalesce(invoice_id, (
                SELECT invoice_id FROM purchase_drafts WHERE id = ANY($3) AND invoice_id IS NOT NULL ORDER BY created_at LIMIT 1))
            WHERE user_id = $1 AND id = $2
            """,
            cancellationToken, userId, draft.Id, duplicates.Select(duplicate => duplicate.Id).ToArray(), now);
        await ExecuteAsync(
            """
            -- delete folded drafts
            DELETE FROM purchase_drafts WHERE user_id = $1 AND id = ANY($2)
            """,
            cancellationToken, userId, duplicates.Select(duplicate => duplicate.Id).ToArray());
        return draft;
    }

    /// <summary>
    /// Adds parcels to a draft. A number that another draft of the user has stays there, unless it is verified only now: a mail that nobody
    /// can verify moves no parcel.
    /// </summary>
    public Task AddParcelsAsync(DraftRow draft, IReadOnlyList<ParcelFacts> parcels, CancellationToken cancellationToken) =>
        parcels.Count == 0 ? Task.CompletedTask : ExecuteAsync(
            """
            -- add parcels to draft
            INSERT INTO draft_parcels AS known (user_id, tracking_number, draft_id, carrier, is_verified, created_at)
            SELECT $1, number, $2, carrier, verified, $6 FROM unnest($3::text[], $4::text[], $5::boolean[]) AS parcel(number, carrier, verified)
            ON CONFLICT (user_id, tracking_number) DO UPDATE SET
                draft_id = CASE WHEN excluded.is_verified AND NOT known.is_verified THEN excluded.draft_id ELSE known.draft_id END,
                carrier = coalesce(known.carrier, excluded.carrier),
                is_verified = known.is_verified OR excluded.is_verified
            """,
            cancellationToken,
            userId, draft.Id, parcels.Select(parcel => parcel.TrackingNumber).ToArray(), parcels.Select(parcel => parcel.Carrier).ToArray(),
            parcels.Select(parcel => parcel.IsVerified).ToArray(), now);

    /// <summary>Creates the pre-alerts of these parcels of the draft; one that exists is pointed to it.</summary>
    /// <returns>How many are new.</returns>
    public async Task<int> AddPreAlertsAsync(DraftRow draft, IReadOnlyList<string> trackingNumbers, CancellationToken cancellationToken)
    {
        if (trackingNumbers.Count == 0)
        {
            return 0;
        }

        await using var add = Command(
            """
            -- add alerts of draft
            WITH added AS (
                INSERT INTO pre_alerts AS known (id, user_id, draft_id, tracking_number, carrier, status, created_at, updated_at)
                SELECT alert.id, $1, parcel.draft_id, parcel.tracking_number, parcel.carrier, 'draft', $5, $5
                FROM unnest($3::uuid[], $4::text[]) AS alert(id, number)
                JOIN draft_parcels parcel ON parcel.user_id = $1 AND parcel.tracking_number = alert.number AND parcel.draft_id = $2
                ON CONFLICT (user_id, tracking_number) DO UPDATE SET draft_id = excluded.draft_id, updated_at = excluded.updated_at
                    WHERE known.draft_id IS DISTINCT FROM excluded.draft_id
                RETURNING xmax = 0 AS is_new
            )
            SELECT count(*)::int FROM added WHERE is_new
            """,
            userId, draft.Id, trackingNumbers.Select(_ => Guid.CreateVersion7(now)).ToArray(), trackingNumbers.ToArray(), now);
        return (int)(await add.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Confirms and submits pre-alerts of the draft that are not submitted yet; one that the user rejected stays so.</summary>
    /// <param name="draft">Their draft.</param>
    /// <param name="trackingNumbers">Which; null: all.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <returns>The tracking numbers that were submitted.</returns>
    public async Task<IReadOnlyList<string>> SubmitAsync(DraftRow draft, IReadOnlyList<string>? trackingNumbers, CancellationToken cancellationToken)
    {
        await using var submit = Command(
            """
            -- submit alerts of draft
            UPDATE pre_alerts SET status = 'submitted', confirmed_at = $3, submitted_at = $3, updated_at = $3
            WHERE user_id = $1 AND draft_id = $2 AND status IN ('draft', 'confirmed') AND ($4::text[] IS NULL OR tracking_number = ANY($4))
            RETURNING tracking_number
            """,
            userId, draft.Id, now);
        submit.Parameters.Add(Nullable(NpgsqlDbType.Array | NpgsqlDbType.Text, trackingNumbers?.ToArray()));
        return await NumbersAsync(submit, cancellationToken);
    }

    /// <summary>The tracking numbers of the draft.</summary>
    public async Task<IReadOnlyList<string>> ParcelsOfAsync(DraftRow draft, CancellationToken cancellationToken)
    {
        await using var query = Command(
            """
            -- read parcels of draft
            SELECT tracking_number FROM draft_parcels WHERE user_id = $1 AND draft_id = $2
            """,
            userId, draft.Id);
        return await NumbersAsync(query, cancellationToken);
    }

    public Task SetStatusAsync(DraftRow draft, DraftStatus status, CancellationToken cancellationToken) => ExecuteAsync(
        """
        -- set status of draft
        UPDATE purchase_drafts SET status = $3, updated_at = $4, confirmed_at = CASE WHEN $3 = 'confirmed' THEN $4 ELSE confirmed_at END
        WHERE user_id = $1 AND id = $2 AND status <> $3
        """,
        cancellationToken, userId, draft.Id, status.Name(), now);

    /// <summary>Makes an attachment of the user the invoice of the draft. The former one is deleted by a trigger.</summary>
    /// <returns>False: the user has no such attachment.</returns>
    public async Task<bool> SetInvoiceAsync(DraftRow draft, Guid attachment, CancellationToken cancellationToken)
    {
        await using var update = Command(
            """
            -- set invoice of draft
            WITH invoice AS (SELECT id FROM attachments WHERE id = $3 AND user_id = $1 AND stored_at IS NOT NULL FOR KEY SHARE)
            UPDATE purchase_drafts SET invoice_id = invoice.id, invoice_present = true, updated_at = $4 FROM invoice
            WHERE purchase_drafts.user_id = $1 AND purchase_drafts.id = $2
            """,
            userId, draft.Id, attachment, now);
        return await update.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>Announces a parcel that the user names.</summary>
    /// <param name="id">The id of the pre-alert, if it is new.</param>
    /// <param name="draft">Its draft; null: that of the parcel, if there is one.</param>
    /// <param name="trackingNumber">Normalized.</param>
    /// <param name="carrier">Null: unknown.</param>
    /// <param name="most">The most pre-alerts of the user.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <returns>The id of the pre-alert, and whether it is new; null: the user has too many.</returns>
    public async Task<(Guid Id, bool IsNew)?> AnnounceAsync(
        Guid id, DraftRow? draft, string trackingNumber, string? carrier, int most, CancellationToken cancellationToken)
    {
        await using var announce = Command(
            """
            -- announce parcel of user
            INSERT INTO pre_alerts AS known (id, user_id, draft_id, tracking_number, carrier, status, confirmed_at, submitted_at, created_at, updated_at)
            SELECT $2, $1, coalesce($3, (SELECT draft_id FROM draft_parcels WHERE user_id = $1 AND tracking_number = $4)), $4, $5, 'submitted', $6, $6, $6, $6
            WHERE EXISTS (SELECT FROM pre_alerts WHERE user_id = $1 AND tracking_number = $4)
                OR (SELECT count(*) FROM (SELECT FROM pre_alerts WHERE user_id = $1 LIMIT $7) owned) < $7
            ON CONFLICT (user_id, tracking_number) DO UPDATE SET
                draft_id = coalesce($3, known.draft_id, excluded.draft_id), carrier = coalesce(excluded.carrier, known.carrier), status = 'submitted',
                confirmed_at = coalesce(known.confirmed_at, $6), submitted_at = CASE WHEN known.status = 'submitted' THEN known.submitted_at ELSE $6 END, updated_at = $6
            RETURNING id, xmax = 0
            """,
            userId, id);
        announce.Parameters.Add(Nullable(NpgsqlDbType.Uuid, draft?.Id));
        announce.Parameters.Add(new() { Value = trackingNumber });
        announce.Parameters.Add(Nullable(NpgsqlDbType.Text, carrier));
        announce.Parameters.Add(new() { Value = now });
        announce.Parameters.Add(new() { Value = most });
        await using var reader = await announce.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (reader.GetGuid(0), reader.GetBoolean(1)) : null;
    }

    /// <summary>Those of the drafts that were not folded into others.</summary>
    public async Task<IReadOnlyCollection<Guid>> ExistingAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        if (ids.Count == 0)
        {
            return [];
        }

        await using var query = Command(
            """
            -- find existing drafts
            SELECT coalesce(array_agg(id), '{}') FROM purchase_drafts WHERE user_id = $1 AND id = ANY($2)
            """,
            userId, ids.ToArray());
        return (Guid[])(await query.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Records that a draft contains what the evidence says.</summary>
    public Task AddEvidenceAsync(IReadOnlyCollection<Guid> drafts, Guid evidence, CancellationToken cancellationToken) =>
        drafts.Count == 0 ? Task.CompletedTask : ExecuteAsync(
            """
            -- add evidence to drafts
            INSERT INTO draft_evidence (draft_id, evidence_id) SELECT draft, $2 FROM unnest($1::uuid[]) draft ON CONFLICT DO NOTHING
            """,
            cancellationToken, drafts.ToArray(), evidence);

    private static async Task<IReadOnlyList<string>> NumbersAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var numbers = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            numbers.Add(reader.GetString(0));
        }

        return numbers;
    }

    private NpgsqlCommand Command(string sql, params ReadOnlySpan<object> values)
    {
        var created = Create(sql);
        foreach (var value in values)
        {
            created.Parameters.Add(new() { Value = value });
        }

        return created;
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var statement = Command(sql, values);
        await statement.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<IReadOnlyList<DraftRow>> ReadAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var query = Command(sql, values);
        await using var reader = await query.ExecuteReaderAsync(cancellationToken);
        var drafts = new List<DraftRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            drafts.Add(new(
                reader.GetGuid(0),
                DraftStatuses.Of(reader.GetString(1)),
                new()
                {
                    Merchant = reader.GetString(2),
                    StoreName = reader.IsDBNull(3) ? null : reader.GetString(3),
                    OrderNumbers = reader.GetFieldValue<string[]>(4),
                    ItemsSummary = reader.IsDBNull(5) ? null : reader.GetString(5),
                    Amount = reader.IsDBNull(6) ? null : reader.GetDecimal(6),
                    Currency = reader.IsDBNull(7) ? null : reader.GetString(7),
                    Confidence = reader.GetDouble(8),
                    InvoicePresent = reader.GetBoolean(9),
                },
                reader.IsDBNull(10) ? null : reader.GetGuid(10),
                reader.IsDBNull(11) ? null : reader.GetFieldValue<DateTimeOffset>(11)));
        }

        return drafts;
    }

    private static void AddContent(NpgsqlCommand statement, DraftContent content)
    {
        statement.Parameters.Add(new() { Value = content.Merchant });
        statement.Parameters.Add(Nullable(NpgsqlDbType.Text, content.StoreName));
        statement.Parameters.Add(new() { Value = content.OrderNumbers.ToArray() });
        statement.Parameters.Add(Nullable(NpgsqlDbType.Text, content.ItemsSummary));
        statement.Parameters.Add(Nullable(NpgsqlDbType.Numeric, content.Amount));
        statement.Parameters.Add(Nullable(NpgsqlDbType.Text, content.Currency));
        statement.Parameters.Add(new() { Value = content.Confidence });
        statement.Parameters.Add(new() { Value = content.InvoicePresent });
    }

    private static NpgsqlParameter Nullable(NpgsqlDbType type, object? value) => new() { NpgsqlDbType = type, Value = value ?? DBNull.Value };
}

/// <summary>A draft in an open transaction.</summary>
/// <param name="InvoiceId">The attachment that is its invoice.</param>
internal sealed record DraftRow(Guid Id, DraftStatus Status, DraftContent Content, Guid? InvoiceId, DateTimeOffset? ConfirmedAt);

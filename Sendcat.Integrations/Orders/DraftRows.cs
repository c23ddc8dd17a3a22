using Npgsql;
using NpgsqlTypes;

namespace Sendcat.Integrations.Orders;

/// <summary>The drafts of one user in an open transaction.</summary>
internal sealed class DraftRows(OrderTransaction transaction)
{
    private const string Columns =
        "id, status, merchant, store_name, order_numbers, items_summary, total_amount, total_currency, confidence, invoice_present, "
            + "invoice_id, confirmed_at";

    /// <summary>What a user has confirmed comes before what is open, and that before what is rejected; then the oldest.</summary>
    private const string Rank = "CASE status WHEN 'confirmed' THEN 0 WHEN 'draft' THEN 1 ELSE 2 END, created_at, id";

    /// <summary>The drafts about an order of these numbers, the first one being that which remains.</summary>
    /// <param name="numbers">Upper case.</param>
    /// <param name="merchant">A short number counts only if both name the same merchant, or one of them none.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task<IReadOnlyList<DraftRow>> FindByOrderAsync(
        IReadOnlyList<string> numbers, string merchant, CancellationToken cancellationToken) =>
        numbers.Count == 0 ? Task.FromResult<IReadOnlyList<DraftRow>>([]) : ReadAsync(
            $"""
            -- find drafts by order number
            SELECT {Columns} FROM purchase_drafts
            WHERE user_id = $1 AND order_numbers && $2 AND EXISTS (
                SELECT FROM unnest(order_numbers) number
                WHERE number = ANY($2) AND (length(number) >= $4 OR merchant = $3 OR merchant = $5 OR $3 = $5))
            ORDER BY {Rank}
            """,
            cancellationToken, transaction.UserId, numbers.ToArray(), merchant, OrderText.ShortestUniqueNumber, OrderText.Unknown);

    /// <summary>The drafts that have one of these parcels or shipments, the first one being that which remains.</summary>
    /// <param name="trackingNumbers">The parcels.</param>
    /// <param name="shipments">The keys of the shipments.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task<IReadOnlyList<DraftRow>> FindByParcelAsync(
        IReadOnlyList<string> trackingNumbers, IReadOnlyList<string> shipments, CancellationToken cancellationToken) =>
        trackingNumbers.Count + shipments.Count == 0 ? Task.FromResult<IReadOnlyList<DraftRow>>([]) : ReadAsync(
            $"""
            -- find drafts by parcel
            SELECT {Columns} FROM purchase_drafts
            WHERE user_id = $1 AND id IN (
                SELECT draft_id FROM draft_parcels WHERE user_id = $1 AND tracking_number = ANY($2)
                UNION ALL SELECT draft_id FROM draft_shipments WHERE user_id = $1 AND key = ANY($3))
            ORDER BY {Rank}
            """,
            cancellationToken, transaction.UserId, trackingNumbers.ToArray(), shipments.ToArray());

    public async Task<DraftRow?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        (await ReadAsync(
            $"""
            -- find draft
            SELECT {Columns} FROM purchase_drafts WHERE user_id = $1 AND id = $2
            """,
            cancellationToken, transaction.UserId, id)) is [var draft] ? draft : null;

    public async Task<DraftRow> InsertAsync(DraftContent content, CancellationToken cancellationToken)
    {
        var draft = new DraftRow(Guid.CreateVersion7(transaction.Now), DraftStatus.Draft, content, null, null);
        await using var insert = transaction.Command(
            """
            -- insert draft
            INSERT INTO purchase_drafts (id, user_id, status, merchant, store_name, order_numbers, items_summary, total_amount,
                total_currency, confidence,
                invoice_present, created_at, updated_at)
            VALUES ($2, $1, 'draft', $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
            """,
            transaction.UserId, draft.Id);
        AddContent(insert, content);
        insert.Parameters.Add(new() { Value = transaction.Now });
        await insert.ExecuteNonQueryAsync(cancellationToken);
        return draft;
    }

    /// <summary>Writes the content of a draft, if it differs from what is stored.</summary>
    public async Task<DraftRow> UpdateAsync(DraftRow draft, DraftContent content, CancellationToken cancellationToken)
    {
        if (content.Equals(draft.Content with { OrderNumbers = content.OrderNumbers })
            && content.OrderNumbers.SequenceEqual(draft.Content.OrderNumbers, StringComparer.Ordinal))
        {
            return draft;
        }

        await using var update = transaction.Command(
            """
            -- update draft
            UPDATE purchase_drafts SET merchant = $3, store_name = $4, order_numbers = $5, items_summary = $6, total_amount = $7,
                total_currency = $8,
                confidence = $9, invoice_present = $10, updated_at = $11
            WHERE user_id = $1 AND id = $2
            """,
            transaction.UserId, draft.Id);
        AddContent(update, content);
        update.Parameters.Add(new() { Value = transaction.Now });
        await update.ExecuteNonQueryAsync(cancellationToken);
        return draft with { Content = content };
    }

    /// <summary>
    /// Folds other drafts about the same order into one: their fields fill what is missing, their parcels, shipments, pre-alerts, evidence
    /// and invoice become its own, and they are deleted.
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
        await transaction.ExecuteAsync(
            """
            -- fold drafts
            WITH parcels AS (
                UPDATE draft_parcels SET draft_id = $2 WHERE user_id = $1 AND draft_id = ANY($3)
            ), shipments AS (
                UPDATE draft_shipments SET draft_id = $2 WHERE user_id = $1 AND draft_id = ANY($3)
            ), pre_alerts AS (
                UPDATE pre_alerts SET draft_id = $2, updated_at = $4 WHERE user_id = $1 AND draft_id = ANY($3)
            ), evidence AS (
                INSERT INTO draft_evidence (draft_id, evidence_id) SELECT DISTINCT $2::uuid, evidence_id FROM draft_evidence
                    WHERE draft_id = ANY($3) ON CONFLICT DO NOTHING
            )
            UPDATE purchase_drafts SET updated_at = $4, invoice_id = coalesce(invoice_id, (
                SELECT invoice_id FROM purchase_drafts WHERE id = ANY($3) AND invoice_id IS NOT NULL ORDER BY created_at LIMIT 1))
            WHERE user_id = $1 AND id = $2
            """,
            cancellationToken, transaction.UserId, draft.Id, duplicates.Select(duplicate => duplicate.Id).ToArray(), transaction.Now);
        await transaction.ExecuteAsync(
            """
            -- delete folded drafts
            DELETE FROM purchase_drafts WHERE user_id = $1 AND id = ANY($2)
            """,
            cancellationToken, transaction.UserId, duplicates.Select(duplicate => duplicate.Id).ToArray());
        return draft;
    }

    public Task SetStatusAsync(DraftRow draft, DraftStatus status, CancellationToken cancellationToken) => transaction.ExecuteAsync(
        """
        -- set status of draft
        UPDATE purchase_drafts SET status = $3, updated_at = $4, confirmed_at = CASE WHEN $3 = 'confirmed' THEN $4 ELSE confirmed_at END
        WHERE user_id = $1 AND id = $2 AND status <> $3
        """,
        cancellationToken, transaction.UserId, draft.Id, status.Name(), transaction.Now);

    /// <summary>Makes an attachment of the user the invoice of the draft. The former one is deleted by a trigger.</summary>
    /// <returns>False: the user has no such attachment.</returns>
    public async Task<bool> SetInvoiceAsync(DraftRow draft, Guid attachment, CancellationToken cancellationToken)
    {
        await using var update = transaction.Command(
            """
            -- set invoice of draft
            WITH invoice AS (SELECT id FROM attachments WHERE id = $3 AND user_id = $1 AND stored_at IS NOT NULL FOR KEY SHARE)
            UPDATE purchase_drafts SET invoice_id = invoice.id, invoice_present = true, updated_at = $4 FROM invoice
            WHERE purchase_drafts.user_id = $1 AND purchase_drafts.id = $2
            """,
            transaction.UserId, draft.Id, attachment, transaction.Now);
        return await update.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>Those of the drafts that were not folded into others.</summary>
    public async Task<IReadOnlyCollection<Guid>> ExistingAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        if (ids.Count == 0)
        {
            return [];
        }

        await using var query = transaction.Command(
            """
            -- find existing drafts
            SELECT coalesce(array_agg(id), '{}') FROM purchase_drafts WHERE user_id = $1 AND id = ANY($2)
            """,
            transaction.UserId, ids.ToArray());
        return (Guid[])(await query.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Records that a draft contains what the evidence says.</summary>
    public Task AddEvidenceAsync(IReadOnlyCollection<Guid> drafts, Guid evidence, CancellationToken cancellationToken) =>
        drafts.Count == 0 ? Task.CompletedTask : transaction.ExecuteAsync(
            """
            -- add evidence to drafts
            INSERT INTO draft_evidence (draft_id, evidence_id) SELECT draft, $2 FROM unnest($1::uuid[]) draft ON CONFLICT DO NOTHING
            """,
            cancellationToken, drafts.ToArray(), evidence);

    private async Task<IReadOnlyList<DraftRow>> ReadAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var query = transaction.Command(sql, values);
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
                    StoreName = await reader.IsDBNullAsync(3, cancellationToken) ? null : reader.GetString(3),
                    OrderNumbers = await reader.GetFieldValueAsync<string[]>(4, cancellationToken),
                    ItemsSummary = await reader.IsDBNullAsync(5, cancellationToken) ? null : reader.GetString(5),
                    Amount = await reader.IsDBNullAsync(6, cancellationToken) ? null : reader.GetDecimal(6),
                    Currency = await reader.IsDBNullAsync(7, cancellationToken) ? null : reader.GetString(7),
                    Confidence = reader.GetDouble(8),
                    InvoicePresent = reader.GetBoolean(9),
                },
                await reader.IsDBNullAsync(10, cancellationToken) ? null : reader.GetGuid(10),
                await reader.IsDBNullAsync(11, cancellationToken)
                    ? null
                    : await reader.GetFieldValueAsync<DateTimeOffset>(11, cancellationToken)));
        }

        return drafts;
    }

    private static void AddContent(NpgsqlCommand statement, DraftContent content)
    {
        statement.Parameters.Add(new() { Value = content.Merchant });
        statement.Parameters.Add(OrderTransaction.Nullable(NpgsqlDbType.Text, content.StoreName));
        statement.Parameters.Add(new() { Value = content.OrderNumbers.ToArray() });
        statement.Parameters.Add(OrderTransaction.Nullable(NpgsqlDbType.Text, content.ItemsSummary));
        statement.Parameters.Add(OrderTransaction.Nullable(NpgsqlDbType.Numeric, content.Amount));
        statement.Parameters.Add(OrderTransaction.Nullable(NpgsqlDbType.Text, content.Currency));
        statement.Parameters.Add(new() { Value = content.Confidence });
        statement.Parameters.Add(new() { Value = content.InvoicePresent });
    }
}

/// <summary>A draft in an open transaction.</summary>
/// <param name="InvoiceId">The attachment that is its invoice.</param>
internal sealed record DraftRow(Guid Id, DraftStatus Status, DraftContent Content, Guid? InvoiceId, DateTimeOffset? ConfirmedAt);

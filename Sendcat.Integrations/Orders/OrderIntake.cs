using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Sendcat.Integrations.Extraction;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Parcels;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;

namespace Sendcat.Integrations.Orders;

/// <summary>
/// Records what was extracted from a mail or message: evidence, drafts and pre-alerts, in one transaction. It is idempotent for each user,
/// kind and message, so that redeliveries, retries and several syncs at the same time have one effect. No text of a mail is stored.
/// </summary>
public sealed class OrderIntake(
    NpgsqlDataSource database, PackageOwners owners, IOptionsMonitor<PreAlertOptions> options, TimeProvider time, StoreOutages outages,
    ILogger<OrderIntake> logger)
{
    private readonly PersistentWrite _recording = new("evidence", outages, logger, time);

    /// <summary>The error of evidence that has neither an order number nor a tracking number.</summary>
    public const string InsufficientCoreFields = "insufficient_core_fields";

    /// <summary>The error of evidence whose model failed.</summary>
    public const string ExtractionUnavailable = "extraction_unavailable";

    /// <summary>Whether the source is settled for its user, so that there is nothing to fetch and nothing to extract.</summary>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public async Task<bool> IsKnownAsync(EvidenceSource source, CancellationToken cancellationToken) =>
        (await KnownAsync(source.UserId, source.Kind, [source.MessageId], cancellationToken)).Count > 0;

    /// <summary>Those of the messages that are settled for the user, so that there is nothing to fetch and nothing to extract.</summary>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public async Task<IReadOnlySet<string>> KnownAsync(
        string userId, EvidenceKind kind, IReadOnlyCollection<string> messageIds, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- find settled evidence
            SELECT message_id FROM evidence WHERE user_id = $1 AND source = $2 AND message_id = ANY($3) AND status <> 'pending'
            """);
        command.Parameters.Add(new() { Value = userId });
        command.Parameters.Add(new() { Value = kind.Name() });
        command.Parameters.Add(new() { Value = messageIds.ToArray() });
        var known = new HashSet<string>(StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            known.Add(reader.GetString(0));
        }

        return known;
    }

    /// <summary>
    /// Records the result of an extraction. While Postgres is unavailable it tries again until the caller cancels, because another fetch
    /// and another extraction cost more. After a failure that passes (<see cref="EvidenceStatus.Pending"/>) the caller extracts again
    /// later and records that result too.
    /// </summary>
    /// <returns>What it caused; a repeat changes nothing.</returns>
    /// <exception cref="NpgsqlException">Postgres refuses the data; nothing was recorded.</exception>
    public Task<IntakeResult> RecordAsync(EvidenceSource source, MailExtraction extraction, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(source.MessageId.Length, 500, nameof(source));
        return _recording.RunAsync(token => RecordOnceAsync(source, extraction, token), cancellationToken);
    }

    private async Task<IntakeResult> RecordOnceAsync(
        EvidenceSource source, MailExtraction extraction, CancellationToken cancellationToken)
    {
        var orders = extraction.Orders.Select(order => (Order: order, Facts: OrderFacts.Of(order, extraction.InvoicePresent)))
            .Where(order => order.Facts.HasKey).ToArray();
        var (status, error) = StatusOf(extraction, orders.Length);
        var now = time.GetUtcNow();

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var orderTransaction = new OrderTransaction(sql => new(sql, connection, transaction), source.UserId, now);
        var (drafts, parcels) = (new DraftRows(orderTransaction), new ParcelRows(orderTransaction));
        if (!await orderTransaction.LockAsync(cancellationToken)
            || await WriteEvidenceAsync(
                connection, source, status, error, orders.FirstOrDefault().Facts?.Merchant ?? source.SenderDomain, now,
                cancellationToken) is not { } evidence)
        {
            OrdersMetrics.Recorded(source.Kind.Name(), "repeated");
            return IntakeResult.Nothing;
        }

        var announces = orders.Any(order => order.Order.MayPreAlert) && await AnnouncesAsync(connection, source.UserId, cancellationToken);
        var (created, updated, preAlerts, tooMany, submitted) = (new HashSet<Guid>(), new HashSet<Guid>(), 0, 0, new List<string>());
        foreach (var (order, facts) in orders)
        {
            var (draft, isNew) = await MergeAsync(drafts, facts, cancellationToken);
            (isNew ? created : updated).Add(draft.Id);
            await parcels.AddParcelsAsync(draft, facts.Parcels, cancellationToken);
            await parcels.AddShipmentsAsync(draft, facts.Shipments, cancellationToken);
            if (announces && order.MayPreAlert && draft.Status is not DraftStatus.Rejected)
            {
                var verified = facts.Parcels.Where(parcel => parcel.IsVerified).Select(parcel => parcel.TrackingNumber).ToArray();
                var (added, refused) = await parcels.AddPreAlertsAsync(
                    draft, verified, options.CurrentValue.PerUserMax, cancellationToken);
                (preAlerts, tooMany) = (preAlerts + added, tooMany + refused);
                if (draft.Status is DraftStatus.Confirmed)
                {
                    // The user has confirmed the order before it was shipped.
                    submitted.AddRange(await parcels.SubmitAsync(draft, verified, cancellationToken));
                }
            }
        }

        // A draft that was created for one order of the mail may have been folded into that of the next one.
        var present = await drafts.ExistingAsync([.. created, .. updated], cancellationToken);
        await drafts.AddEvidenceAsync(present, evidence, cancellationToken);
        await owners.AnnounceAsync(orderTransaction.Create, submitted, now, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (submitted.Count > 0)
        {
            owners.Signal();
        }

        created.IntersectWith(present);
        updated.IntersectWith(present);
        updated.ExceptWith(created);
        OrdersMetrics.Recorded(source.Kind.Name(), status.Name());
        if (tooMany > 0)
        {
            logger.PreAlertsRefused(evidence, tooMany);
        }

        logger.EvidenceRecorded(evidence, source.Kind.Name(), status.Name(), created.Count, updated.Count, preAlerts);
        return new(status, created.Count, updated.Count, preAlerts);
    }

    /// <summary>The draft of this order: one by any order number, else one by a tracking number or shipment, else a new one.</summary>
    private static async Task<(DraftRow Draft, bool IsNew)> MergeAsync(
        DraftRows drafts, OrderFacts facts, CancellationToken cancellationToken)
    {
        var byParcel = await drafts.FindByParcelAsync(
            [.. facts.Parcels.Select(parcel => parcel.TrackingNumber)], facts.Shipments, cancellationToken);
        var known = await drafts.FindByOrderAsync(facts.OrderNumbers, facts.Merchant, cancellationToken) is { Count: > 0 } byOrder
            ? byOrder
            : byParcel;
        if (known.Count == 0)
        {
            return (await drafts.InsertAsync(DraftContent.Of(facts), cancellationToken), true);
        }

        var draft = await drafts.UpdateAsync(known[0], known[0].Content.FilledBy(facts), cancellationToken);

        // The union of order numbers may connect drafts that had none in common. A draft that a parcel alone made, for example a carrier's
        // notice, belongs to the order that names the parcel.
        var duplicates = (await drafts.FindByOrderAsync(draft.Content.OrderNumbers, draft.Content.Merchant, cancellationToken))
            .Concat(byParcel.Where(other => other.Content.OrderNumbers.Count == 0 && other.Status is DraftStatus.Draft))
            .Where(other => other.Id != draft.Id).DistinctBy(other => other.Id).ToArray();
        return (await drafts.FoldAsync(draft, duplicates, cancellationToken), false);
    }

    /// <summary>A failure that passes leaves the source open, whatever was found without the model.</summary>
    private static (EvidenceStatus Status, string? Error) StatusOf(MailExtraction extraction, int orders) => extraction switch
    {
        { Failure: { Retryable: true } } => (EvidenceStatus.Pending, ExtractionUnavailable),
        _ when orders > 0 => (EvidenceStatus.Extracted, null),
        { Failure: not null } => (EvidenceStatus.Failed, ExtractionUnavailable),
        { ModelCalls: 0, Kind: MailTopic.Other or MailTopic.Promotion or MailTopic.Receipt } => (EvidenceStatus.Ignored, null),
        _ => (EvidenceStatus.Failed, InsufficientCoreFields),
    };

    /// <returns>The id of the evidence; null: the source is settled.</returns>
    private static async Task<Guid?> WriteEvidenceAsync(
        NpgsqlConnection connection, EvidenceSource source, EvidenceStatus status, string? error, string? merchant, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            -- write evidence
            INSERT INTO evidence AS known (id, user_id, source, message_id, merchant, received_at, processed_at, status, error)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (user_id, source, message_id) DO UPDATE SET
                merchant = coalesce(excluded.merchant, known.merchant), processed_at = excluded.processed_at,
                status = excluded.status, error = excluded.error
                WHERE known.status = 'pending'
            RETURNING id
            """,
            connection);
        command.Parameters.Add(new() { Value = Guid.CreateVersion7(now) });
        command.Parameters.Add(new() { Value = source.UserId });
        command.Parameters.Add(new() { Value = source.Kind.Name() });
        command.Parameters.Add(new() { Value = source.MessageId });
        command.Parameters.Add(
            new()
            {
                NpgsqlDbType = NpgsqlDbType.Text,
                Value = status is EvidenceStatus.Ignored ? DBNull.Value : (object?)merchant ?? DBNull.Value,
            });
        command.Parameters.Add(new() { Value = source.ReceivedAt.ToUniversalTime() });
        command.Parameters.Add(new() { Value = now });
        command.Parameters.Add(new() { Value = status.Name() });
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)error ?? DBNull.Value });
        return await command.ExecuteScalarAsync(cancellationToken) as Guid?;
    }

    private static async Task<bool> AnnouncesAsync(NpgsqlConnection connection, string userId, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            -- read announcement preference
            SELECT auto_create_pre_alerts FROM user_preferences WHERE user_id = $1
            """,
            connection);
        command.Parameters.Add(new() { Value = userId });
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }
}

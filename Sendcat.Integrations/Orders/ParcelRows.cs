using Npgsql;
using NpgsqlTypes;

namespace Sendcat.Integrations.Orders;

/// <summary>The parcels and shipments of drafts, and the pre-alerts, of one user in an open transaction.</summary>
internal sealed class ParcelRows(OrderTransaction transaction)
{
    /// <summary>
    /// Adds parcels to a draft. A number that another draft of the user has stays there, unless it is verified only now: a mail
    /// that nobody can verify moves no parcel.
    /// </summary>
    public Task AddParcelsAsync(DraftRow draft, IReadOnlyList<ParcelFacts> parcels, CancellationToken cancellationToken) =>
        parcels.Count == 0 ? Task.CompletedTask : transaction.ExecuteAsync(
            """
            -- add parcels to draft
            INSERT INTO draft_parcels AS known (user_id, tracking_number, draft_id, carrier, is_verified, created_at)
            SELECT $1, number, $2, carrier, verified, $6 FROM unnest($3::text[], $4::text[], $5::boolean[]) AS parcel(number, carrier,
                verified)
            ON CONFLICT (user_id, tracking_number) DO UPDATE SET
                draft_id = CASE WHEN excluded.is_verified AND NOT known.is_verified THEN excluded.draft_id ELSE known.draft_id END,
                carrier = coalesce(known.carrier, excluded.carrier),
                is_verified = known.is_verified OR excluded.is_verified
            """,
            cancellationToken,
            transaction.UserId, draft.Id, parcels.Select(parcel => parcel.TrackingNumber).ToArray(),
            parcels.Select(parcel => parcel.Carrier).ToArray(),
            parcels.Select(parcel => parcel.IsVerified).ToArray(), transaction.Now);

    /// <summary>Adds shipments to a draft. One that another draft of the user has stays there.</summary>
    /// <param name="draft">The draft.</param>
    /// <param name="keys">The keys of the shipments.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    public Task AddShipmentsAsync(DraftRow draft, IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        keys.Count == 0 ? Task.CompletedTask : transaction.ExecuteAsync(
            """
            -- add shipments to draft
            INSERT INTO draft_shipments (user_id, key, draft_id) SELECT $1, key, $2 FROM unnest($3::text[]) key ON CONFLICT DO NOTHING
            """,
            cancellationToken, transaction.UserId, draft.Id, keys.ToArray());

    /// <summary>Adds a parcel that the user names to the draft that the user names, whichever draft had it.</summary>
    public Task NameAsync(
        DraftRow draft, string trackingNumber, string? carrier, CancellationToken cancellationToken) => transaction.ExecuteAsync(
        """
        -- name parcel of draft
        INSERT INTO draft_parcels AS known (user_id, tracking_number, draft_id, carrier, is_verified, created_at) VALUES ($1, $2, $3, $4,
            true, $5)
        ON CONFLICT (user_id, tracking_number) DO UPDATE SET
            draft_id = excluded.draft_id, carrier = coalesce(excluded.carrier, known.carrier), is_verified = true
        """,
        cancellationToken, transaction.UserId, trackingNumber, draft.Id, OrderTransaction.Nullable(NpgsqlDbType.Text, carrier),
        transaction.Now);

    /// <summary>Creates the pre-alerts of these parcels of the draft; one that exists is pointed to it.</summary>
    /// <param name="draft">The draft.</param>
    /// <param name="trackingNumbers">The parcels.</param>
    /// <param name="most">The most pre-alerts of the user.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <returns>How many are new, and how many were not created because the user has too many.</returns>
    public async Task<(int Added, int Refused)> AddPreAlertsAsync(
        DraftRow draft, IReadOnlyList<string> trackingNumbers, int most, CancellationToken cancellationToken)
    {
        if (trackingNumbers.Count == 0)
        {
            return (0, 0);
        }

        await using var add = transaction.Command(
            """
            -- add alerts of draft
            WITH wanted AS (
                SELECT alert.id, parcel.draft_id, parcel.tracking_number, parcel.carrier,
                    count(*) FILTER (WHERE known.id IS NULL) OVER (ORDER BY alert.number) AS place, known.id IS NULL AS is_new
                FROM (SELECT DISTINCT ON (number) id, number FROM unnest($3::uuid[], $4::text[]) AS named(id, number)) alert
                JOIN draft_parcels parcel ON parcel.user_id = $1 AND parcel.tracking_number = alert.number AND parcel.draft_id = $2
                LEFT JOIN pre_alerts known ON known.user_id = $1 AND known.tracking_number = alert.number
            ), permitted AS (
                SELECT * FROM wanted WHERE NOT is_new
                    OR place <= $6 - (SELECT count(*) FROM (SELECT FROM pre_alerts WHERE user_id = $1 LIMIT $6) owned)
            ), added AS (
                INSERT INTO pre_alerts AS known (id, user_id, draft_id, tracking_number, carrier, status, created_at, updated_at)
                SELECT id, $1, draft_id, tracking_number, carrier, 'draft', $5, $5 FROM permitted
                ON CONFLICT (user_id, tracking_number) DO UPDATE SET draft_id = excluded.draft_id, updated_at = excluded.updated_at
                    WHERE known.draft_id IS DISTINCT FROM excluded.draft_id
                RETURNING xmax = 0 AS is_new
            )
            SELECT (SELECT count(*) FROM added WHERE is_new)::int,
                ((SELECT count(*) FROM wanted) - (SELECT count(*) FROM permitted))::int
            """,
            transaction.UserId, draft.Id, trackingNumbers.Select(_ => Guid.CreateVersion7(transaction.Now)).ToArray(),
            trackingNumbers.ToArray(), transaction.Now, most);
        await using var reader = await add.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt32(0), reader.GetInt32(1));
    }

    /// <summary>Confirms and submits pre-alerts of the draft that are not submitted yet; one that the user rejected stays so.</summary>
    /// <param name="draft">Their draft.</param>
    /// <param name="trackingNumbers">Which; null: all.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <returns>The tracking numbers that were submitted.</returns>
    public async Task<IReadOnlyList<string>> SubmitAsync(
        DraftRow draft, IReadOnlyList<string>? trackingNumbers, CancellationToken cancellationToken)
    {
        await using var submit = transaction.Command(
            """
            -- submit alerts of draft
            UPDATE pre_alerts SET status = 'submitted', confirmed_at = $3, submitted_at = $3, updated_at = $3
            WHERE user_id = $1 AND draft_id = $2 AND status IN ('draft', 'confirmed') AND ($4::text[] IS NULL OR tracking_number = ANY($4))
            RETURNING tracking_number
            """,
            transaction.UserId, draft.Id, transaction.Now);
        submit.Parameters.Add(OrderTransaction.Nullable(NpgsqlDbType.Array | NpgsqlDbType.Text, trackingNumbers?.ToArray()));
        return await NumbersAsync(submit, cancellationToken);
    }

    /// <summary>The tracking numbers of the draft.</summary>
    public async Task<IReadOnlyList<string>> ParcelsOfAsync(DraftRow draft, CancellationToken cancellationToken)
    {
        await using var query = transaction.Command(
            """
            -- read parcels of draft
            SELECT tracking_number FROM draft_parcels WHERE user_id = $1 AND draft_id = $2
            """,
            transaction.UserId, draft.Id);
        return await NumbersAsync(query, cancellationToken);
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
        await using var announce = transaction.Command(
            """
            -- announce parcel of user
            INSERT INTO pre_alerts AS known (id, user_id, draft_id, tracking_number, carrier, status, confirmed_at, submitted_at,
                created_at, updated_at)
            SELECT $2, $1, coalesce($3, (SELECT draft_id FROM draft_parcels WHERE user_id = $1 AND tracking_number = $4)), $4, $5,
                'submitted', $6, $6, $6, $6
            WHERE EXISTS (SELECT FROM pre_alerts WHERE user_id = $1 AND tracking_number = $4)
                OR (SELECT count(*) FROM (SELECT FROM pre_alerts WHERE user_id = $1 LIMIT $7) owned) < $7
            ON CONFLICT (user_id, tracking_number) DO UPDATE SET
                draft_id = coalesce($3, known.draft_id, excluded.draft_id), carrier = coalesce(excluded.carrier, known.carrier),
                status = 'submitted',
                confirmed_at = coalesce(known.confirmed_at, $6), submitted_at = CASE WHEN known.status = 'submitted' THEN known.submitted_at
                    ELSE $6 END, updated_at = $6
            RETURNING id, xmax = 0
            """,
            transaction.UserId, id);
        announce.Parameters.Add(OrderTransaction.Nullable(NpgsqlDbType.Uuid, draft?.Id));
        announce.Parameters.Add(new() { Value = trackingNumber });
        announce.Parameters.Add(OrderTransaction.Nullable(NpgsqlDbType.Text, carrier));
        announce.Parameters.Add(new() { Value = transaction.Now });
        announce.Parameters.Add(new() { Value = most });
        await using var reader = await announce.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (reader.GetGuid(0), reader.GetBoolean(1)) : null;
    }

    /// <returns>The tracking number of a pre-alert; null: the user has no such pre-alert.</returns>
    public async Task<string?> NumberOfAlertAsync(Guid preAlert, CancellationToken cancellationToken)
    {
        await using var query = transaction.Command(
            """
            -- read alert
            SELECT tracking_number FROM pre_alerts WHERE user_id = $1 AND id = $2
            """,
            transaction.UserId, preAlert);
        return (string?)await query.ExecuteScalarAsync(cancellationToken);
    }

    /// <summary>Rejects a pre-alert. Its tracking number is locked.</summary>
    /// <returns>False: the parcel is a package of the user. True also for one that is rejected already, which stays unchanged.</returns>
    public async Task<bool> RejectAlertAsync(Guid preAlert, CancellationToken cancellationToken)
    {
        await using var reject = transaction.Command(
            """
            -- reject alert
            WITH rejected AS (
                UPDATE pre_alerts alert SET status = 'rejected', updated_at = $3
                WHERE alert.user_id = $1 AND alert.id = $2 AND alert.status <> 'rejected'
                    AND NOT EXISTS (SELECT FROM packages WHERE user_id = $1 AND tracking_number = alert.tracking_number)
                RETURNING alert.id
            )
            SELECT EXISTS (SELECT FROM rejected) OR EXISTS (SELECT FROM pre_alerts WHERE user_id = $1 AND id = $2 AND status = 'rejected')
            """,
            transaction.UserId, preAlert, transaction.Now);
        return (bool)(await reject.ExecuteScalarAsync(cancellationToken))!;
    }

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
}

using Npgsql;

namespace Sendcat.Integrations.Parcels;

/// <summary>
/// Gives packages that the warehouse has reported to the users who announced them. The first who submitted a pre-alert is the owner, and
/// remains it: somebody who announces the tracking number of another person later gets nothing.
/// </summary>
public sealed class PackageOwners(PackageMails mails)
{
    /// <summary>
    /// Locks tracking numbers until the end of the transaction, in ascending order. A report and an announcement of one number come one after
    /// the other, so that neither misses the other.
    /// </summary>
    internal static async Task LockAsync(Func<string, NpgsqlCommand> command, IEnumerable<string> trackingNumbers, CancellationToken cancellationToken)
    {
        await using var statement = command(
            """
            -- lock tracking numbers
            SELECT pg_advisory_xact_lock(hashtextextended('package:' || number, 0)) FROM unnest($1::text[]) number
            """);
        statement.Parameters.Add(new() { Value = trackingNumbers.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray() });
        await statement.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Gives unclaimed packages of these numbers to the users who announced them, and mails their status. The numbers are locked. After the
    /// commit call <see cref="PackageMails.Signal"/>.
    /// </summary>
    /// <returns>The tracking numbers that got an owner.</returns>
    internal async Task<IReadOnlyList<string>> ClaimAsync(
        Func<string, NpgsqlCommand> command, IReadOnlyList<string> trackingNumbers, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var (numbers, changed) = (new List<string>(), new List<ChangedPackage>());
        await using (var claim = command(
            """
            -- claim announced packages
            WITH announced AS MATERIALIZED (
                SELECT package.tracking_number, alert.user_id, alert.draft_id
                FROM unclaimed_packages package
                CROSS JOIN LATERAL (
                    SELECT user_id, draft_id FROM pre_alerts
                    WHERE tracking_number = package.tracking_number AND status = 'submitted' ORDER BY submitted_at, id LIMIT 1) alert
                JOIN users ON users.id = alert.user_id
                WHERE package.tracking_number = ANY($1)
                FOR KEY SHARE OF users
            ), taken AS (
                DELETE FROM unclaimed_packages package USING announced WHERE package.tracking_number = announced.tracking_number
                RETURNING package.*, announced.user_id, announced.draft_id
            )
            INSERT INTO packages AS known (id, user_id, tracking_number, merchant, description, status, weight, cost, location, reported_at, updated_at, created_at)
            SELECT gen_random_uuid(), taken.user_id, taken.tracking_number,
                coalesce(draft.store_name, nullif(draft.merchant, 'unknown'), taken.merchant, 'unknown'),
                coalesce(draft.items_summary, taken.description, 'Package'),
                taken.status, taken.weight, taken.cost, taken.location, taken.reported_at, $2, $2
            FROM taken LEFT JOIN purchase_drafts draft ON draft.id = taken.draft_id
            ON CONFLICT (user_id, tracking_number) DO UPDATE SET
                status = excluded.status, weight = excluded.weight, cost = excluded.cost, location = excluded.location,
                reported_at = excluded.reported_at, updated_at = excluded.updated_at
            RETURNING known.id, known.user_id, known.status, known.tracking_number
            """))
        {
            claim.Parameters.Add(new() { Value = trackingNumbers.ToArray() });
            claim.Parameters.Add(new() { Value = now });
            await using var reader = await claim.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                changed.Add(new(reader.GetGuid(0), reader.GetString(1), reader.GetString(2)));
                numbers.Add(reader.GetString(3));
            }
        }

        await mails.EnqueueAsync(command, changed, now, cancellationToken);
        return numbers;
    }

    /// <summary>Locks the numbers of pre-alerts that were submitted in this transaction, and claims those that are unclaimed.</summary>
    /// <inheritdoc cref="ClaimAsync"/>
    internal async Task<IReadOnlyList<string>> AnnounceAsync(
        Func<string, NpgsqlCommand> command, IReadOnlyList<string> trackingNumbers, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (trackingNumbers.Count == 0)
        {
            return [];
        }

        await LockAsync(command, trackingNumbers, cancellationToken);
        return await ClaimAsync(command, trackingNumbers, now, cancellationToken);
    }

    /// <inheritdoc cref="PackageMails.Signal"/>
    internal void Signal() => mails.Signal();
}

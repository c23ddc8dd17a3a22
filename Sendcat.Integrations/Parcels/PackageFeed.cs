using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Sendcat.Reliability.Database;

namespace Sendcat.Integrations.Parcels;

/// <summary>
/// Takes what the warehouse reports: an upsert by tracking number. A report changes a package only if it is not older than what is known, so
/// reports may arrive twice and in any order. A change of the status is mailed to the owner once, in the same transaction.
/// </summary>
public sealed class PackageFeed(RequestDatabase database, PackageOwners owners, PackageMails mails, TimeProvider time, ILogger<PackageFeed> logger)
{
    /// <summary>Packages of one transaction.</summary>
    private const int ChunkSize = 100;

    private const int MaxAttempts = 3;

    /// <summary>The reports that are to be applied, with the rank of their status.</summary>
    private const string Reports = """
        report AS MATERIALIZED (
            SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::numeric[], $5::numeric[], $6::text[], $7::text[], $8::text[])
                AS r(tracking_number, status, reported_at, weight, cost, location, merchant, description))
        """;

    private const string Ranks = "ARRAY['warehouse', 'in_transit', 'ready_for_pickup', 'delivered']";

    /// <summary>Of two reports with the same time the one that is further on the way counts.</summary>
    private const string IsNewer = $"""
        (new.reported_at > old.reported_at
            OR new.reported_at = old.reported_at AND array_position({Ranks}, new.status) >= array_position({Ranks}, old.status))
        """;

    private static readonly string UpdatePackages =
        $"""
        -- update reported packages
        WITH {Reports}, old AS MATERIALIZED (
            SELECT package.id, package.user_id, package.tracking_number, package.status, package.reported_at
            FROM report JOIN packages package ON package.tracking_number = report.tracking_number AND package.reported_at IS NOT NULL
            FOR UPDATE OF package
        ), changed AS (
            UPDATE packages package SET
                status = new.status, weight = coalesce(new.weight, package.weight), cost = coalesce(new.cost, package.cost),
                location = coalesce(new.location, package.location), reported_at = new.reported_at, updated_at = $9
            FROM old JOIN report new ON new.tracking_number = old.tracking_number
            WHERE package.id = old.id AND {IsNewer}
            RETURNING package.id, package.status
        )
        SELECT old.tracking_number, old.id, old.user_id, changed.status, changed.status IS DISTINCT FROM old.status FROM old LEFT JOIN changed ON changed.id = old.id
        """;

    private static readonly string KeepUnclaimed =
        $"""
        -- keep unclaimed packages
        WITH {Reports}
        INSERT INTO unclaimed_packages AS old (tracking_number, status, reported_at, weight, cost, location, merchant, description, id, created_at)
        SELECT *, gen_random_uuid(), $9 FROM report WHERE tracking_number <> ALL($10)
        ON CONFLICT (tracking_number) DO UPDATE SET
            status = excluded.status, reported_at = excluded.reported_at, weight = coalesce(excluded.weight, old.weight), cost = coalesce(excluded.cost, old.cost),
            location = coalesce(excluded.location, old.location), merchant = coalesce(excluded.merchant, old.merchant),
            description = coalesce(excluded.description, old.description)
            WHERE {IsNewer.Replace("new.", "excluded.", StringComparison.Ordinal)}
        RETURNING old.tracking_number
        """;

    /// <summary>
    /// Applies reports, in transactions of at most 100 packages. Of several reports about one package the newest is applied. After a failure
    /// the same feed may be sent again.
    /// </summary>
    /// <exception cref="NpgsqlException">Postgres is unavailable; a part of the reports may have been applied.</exception>
    public async Task<FeedResult> ReportAsync(IReadOnlyList<PackageReport> reports, CancellationToken cancellationToken)
    {
        var newest = reports.GroupBy(report => report.TrackingNumber, StringComparer.Ordinal)
            .Select(group => group.OrderBy(report => report.ReportedAt).ThenBy(report => RankOf(report.Status)).Last()).ToArray();
        var total = new FeedResult(0, 0, 0, reports.Count - newest.Length);
        foreach (var chunk in newest.Chunk(ChunkSize))
        {
            total = total.Plus(await RetryAsync(chunk, cancellationToken));
        }

        ParcelsMetrics.Reported(total);
        logger.PackagesReported(reports.Count, total.Updated, total.Claimed, total.Unclaimed, total.Stale);
        return total;
    }

    /// <summary>The deletion of an account locks its packages and then the account, and a feed the other way round: Postgres ends one of them.</summary>
    private async Task<FeedResult> RetryAsync(PackageReport[] reports, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await ApplyAsync(reports, cancellationToken);
            }
            catch (PostgresException deadlock) when (deadlock.SqlState == PostgresErrorCodes.DeadlockDetected && attempt < MaxAttempts)
            {
                // The other transaction goes on, and the next attempt waits for it.
            }
        }
    }

    private async Task<FeedResult> ApplyAsync(PackageReport[] reports, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync();
        await PackageOwners.LockAsync(connection.CreateCommand, reports.Select(report => report.TrackingNumber), CancellationToken.None);
        var (owned, updated, changed) = (new List<string>(), 0, new List<ChangedPackage>());
        await using (var update = Command(connection.CreateCommand, UpdatePackages, reports, now))
        await using (var reader = await update.ExecuteReaderAsync(CancellationToken.None))
        {
            while (await reader.ReadAsync(CancellationToken.None))
            {
                owned.Add(reader.GetString(0));
                if (await reader.IsDBNullAsync(3, CancellationToken.None))
                {
                    continue;
                }

                updated++;
                if (reader.GetBoolean(4))
                {
                    changed.Add(new(reader.GetGuid(1), reader.GetString(2), reader.GetString(3)));
                }
            }
        }

        var kept = new List<string>();
        await using (var keep = Command(connection.CreateCommand, KeepUnclaimed, reports, now))
        {
            keep.Parameters.Add(new() { Value = owned.ToArray() });
            await using var reader = await keep.ExecuteReaderAsync(CancellationToken.None);
            while (await reader.ReadAsync(CancellationToken.None))
            {
                kept.Add(reader.GetString(0));
            }
        }

        await mails.EnqueueAsync(connection.CreateCommand, changed, now, CancellationToken.None);
        var claimed = await owners.ClaimAsync(connection.CreateCommand, [.. reports.Select(report => report.TrackingNumber)], now, CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
        mails.Signal();
        return new(updated, claimed.Count, kept.Except(claimed, StringComparer.Ordinal).Count(), reports.Length - updated - kept.Count);
    }

    private static int RankOf(string status) => PackageRules.Statuses.ToList().IndexOf(status);

    private static NpgsqlCommand Command(Func<string, NpgsqlCommand> command, string sql, PackageReport[] reports, DateTimeOffset now)
    {
        var created = command(sql);
        created.Parameters.Add(new() { Value = Array.ConvertAll(reports, report => report.TrackingNumber) });
        created.Parameters.Add(new() { Value = Array.ConvertAll(reports, report => report.Status) });
        created.Parameters.Add(new() { Value = Array.ConvertAll(reports, report => report.ReportedAt.ToUniversalTime()) });
        created.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Numeric, Value = Array.ConvertAll(reports, report => report.Weight) });
        created.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Numeric, Value = Array.ConvertAll(reports, report => report.Cost) });
        created.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text, Value = Array.ConvertAll(reports, report => report.Location) });
        created.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text, Value = Array.ConvertAll(reports, report => report.Merchant) });
        created.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text, Value = Array.ConvertAll(reports, report => report.Description) });
        created.Parameters.Add(new() { Value = now });
        return created;
    }
}

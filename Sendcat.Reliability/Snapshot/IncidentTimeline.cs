using Npgsql;
using NpgsqlTypes;
using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.Database;

namespace Sendcat.Reliability.Snapshot;

/// <summary>
/// What happened to the system, from the marks of the processes, the audit of operators and the alerts, in the order of time.
/// </summary>
public sealed class IncidentTimeline(RequestDatabase database)
{
    public const string Knob = "knob";
    public const string Operator = "operator";
    public const string AlertRaised = AlertMarks.Raised;
    public const string AlertReopened = AlertMarks.Reopened;
    public const string AlertResolved = AlertMarks.Resolved;

    // Each source is limited by itself, so that its index by time is enough. source and id order entries of the same time.
    private const string List = """
        -- list incident timeline
        SELECT * FROM (
            (SELECT at, 1 AS source, id, kind, subject, title, detail, NULL AS actor, NULL AS reason FROM reliability.incident_marks
                WHERE at >= $1 AND at <= $2 AND ($5::timestamptz IS NULL OR (at, 1, id) < ($5, $6, $7)) AND ($4::text[] IS NULL OR kind =
                    ANY($4))
                ORDER BY at DESC, id DESC LIMIT $3)
            UNION ALL
            (SELECT created_at, 2, id, CASE WHEN action LIKE 'knob.%' THEN 'knob' ELSE 'operator' END, target, action,
                    CASE WHEN action LIKE 'knob.%' THEN format('%s → %s', coalesce(before, 'configuration'), coalesce(after,
                        'configuration')) ELSE after END,
                    actor, reason
                FROM reliability.operator_audit
                WHERE created_at >= $1 AND created_at <= $2 AND ($5::timestamptz IS NULL OR (created_at, 2, id) < ($5, $6, $7))
                    AND ($4::text[] IS NULL OR CASE WHEN action LIKE 'knob.%' THEN 'knob' ELSE 'operator' END = ANY($4))
                ORDER BY created_at DESC, id DESC LIMIT $3)
            UNION ALL
            (SELECT raised_at, 3, id, 'alert_raised', kind || CASE WHEN subject = '' THEN '' ELSE ' ' || subject END, 'Alert raised (' ||
                severity || ')', cause, NULL, NULL
                FROM reliability.alerts
                WHERE raised_at >= $1 AND raised_at <= $2 AND ($5::timestamptz IS NULL OR (raised_at, 3, id) < ($5, $6, $7))
                    AND ($4::text[] IS NULL OR 'alert_raised' = ANY($4))
                ORDER BY raised_at DESC, id DESC LIMIT $3)
            UNION ALL
            (SELECT resolved_at, 4, id, 'alert_resolved', kind || CASE WHEN subject = '' THEN '' ELSE ' ' || subject END, 'Alert resolved',
                over_when, NULL, NULL
                FROM reliability.alerts
                WHERE resolved_at >= $1 AND resolved_at <= $2 AND ($5::timestamptz IS NULL OR (resolved_at, 4, id) < ($5, $6, $7))
                    AND ($4::text[] IS NULL OR 'alert_resolved' = ANY($4))
                ORDER BY resolved_at DESC, id DESC LIMIT $3)
        ) entries ORDER BY at DESC, source DESC, id DESC LIMIT $3
        """;

    /// <summary>The entries of a range, the newest first.</summary>
    /// <param name="kinds">Null: all.</param>
    /// <param name="after">The last entry of the previous page; null: the first page.</param>
    public async Task<IReadOnlyList<IncidentEntry>> ListAsync(
        DateTimeOffset from, DateTimeOffset to, IReadOnlyCollection<string>? kinds, IncidentPosition? after, int limit,
            CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(List);
        command.Parameters.Add(new() { Value = from, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = to, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = limit });
        command.Parameters.Add(
            new() { Value = (object?)kinds?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)after?.At ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = after?.Source ?? 0 });
        command.Parameters.Add(new() { Value = after?.Id ?? 0L });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var entries = new List<IncidentEntry>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            var at = await reader.GetFieldValueAsync<DateTimeOffset>(0, CancellationToken.None);
            entries.Add(new(
                new(at, reader.GetInt32(1), reader.GetInt64(2)), reader.GetString(3),
                    reader.GetString(4),
                reader.GetString(5), Text(reader, 6), Text(reader, 7), Text(reader, 8)));
        }

        return entries;
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}

/// <summary>The place of an entry in the timeline. Postgres has microseconds, so the time is exact.</summary>
/// <param name="Source">The table, 1 to 4.</param>
/// <param name="Id">The row.</param>
public sealed record IncidentPosition(DateTimeOffset At, int Source, long Id);

/// <param name="Kind">
/// One of <see cref="Events.IncidentKinds"/>, <c>knob</c>, <c>operator</c>, <c>alert_raised</c>, <c>alert_reopened</c> or
/// <c>alert_resolved</c>.
/// </param>
/// <param name="Actor">The operator, of a change.</param>
/// <param name="Reason">The operator's words.</param>
public sealed record IncidentEntry(
    IncidentPosition Position, string Kind, string Subject, string Title, string? Detail, string? Actor, string? Reason);

using Sendcat.Reliability.Database;

namespace Sendcat.Reliability.Alerts;

/// <summary>What operators see of the alerts, and do with them.</summary>
public sealed class AlertDesk(RequestDatabase database, TimeProvider time)
{
    /// <summary>Lists alerts with the messages about them, the newest first.</summary>
    /// <param name="openOnly">Without those that are resolved.</param>
    /// <param name="before">Id of the last alert of the previous page; null for the first page.</param>
    /// <param name="limit">Most alerts to return.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task<IReadOnlyList<AlertWithNotices>> ListAsync(
        bool openOnly, long? before, int limit, CancellationToken cancellationToken) => ReadAsync(
        $"""
        -- list alerts
        WITH page AS (
            SELECT * FROM reliability.alerts WHERE id < $1 AND (resolved_at IS NULL OR NOT $2) ORDER BY id DESC LIMIT $3
        )
        SELECT {AlertSql.Columns}, {AlertSql.NoticeColumns} FROM page a LEFT JOIN reliability.alert_notices n ON n.alert_id = a.id
        ORDER BY a.id DESC, n.id
        """,
        [before ?? long.MaxValue, openOnly, limit],
        cancellationToken);

    /// <summary>Marks the alert as taken over: no reminder follows. An alert that is acknowledged already does not change.</summary>
    /// <returns>The alert; null: there is none with this id.</returns>
    public async Task<AlertWithNotices?> AcknowledgeAsync(long id, AuditedBy by, CancellationToken cancellationToken)
    {
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            await using var command = connection.CreateCommand(
                """
                -- acknowledge alert
                WITH acknowledged AS (
                    UPDATE reliability.alerts SET acknowledged_at = $2, acknowledged_by = $3, acknowledged_reason = $4
                    WHERE id = $1 AND acknowledged_at IS NULL RETURNING id, kind, subject
                )
                INSERT INTO reliability.operator_audit (actor, action, target, after, created_at, reason)
                SELECT $3, 'alert.acknowledge', id::text, concat_ws(':', kind, nullif(subject, '')), $2, $4 FROM acknowledged
                """);
            command.Parameters.Add(new() { Value = id });
            command.Parameters.Add(new() { Value = time.GetUtcNow() });
            command.Parameters.Add(new() { Value = by.Actor });
            command.Parameters.Add(by.ReasonParameter());
            await command.ExecuteNonQueryAsync(CancellationToken.None);
        }

        return (await ReadAsync(
            $"""
            -- read alert
            SELECT {AlertSql.Columns}, {AlertSql.NoticeColumns} FROM reliability.alerts a
            LEFT JOIN reliability.alert_notices n ON n.alert_id = a.id WHERE a.id = $1 ORDER BY n.id
            """,
            [id],
            cancellationToken)).SingleOrDefault();
    }

    private async Task<IReadOnlyList<AlertWithNotices>> ReadAsync(
        string sql, IReadOnlyList<object> parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(sql);
        foreach (var value in parameters)
        {
            command.Parameters.Add(new() { Value = value });
        }

        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var alerts = new List<AlertWithNotices>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            var alert = await AlertSql.AlertAsync(reader, CancellationToken.None);
            if (alerts.Count == 0 || alerts[^1].Alert.Id != alert.Id)
            {
                alerts.Add(new(alert, []));
            }

            if (!await reader.IsDBNullAsync(AlertSql.ColumnCount, CancellationToken.None))
            {
                alerts[^1].Notices.Add(await AlertSql.NoticeAsync(reader, alert, AlertSql.ColumnCount, CancellationToken.None));
            }
        }

        return alerts;
    }
}

/// <param name="Notices">The messages about the alert, the oldest first.</param>
public sealed record AlertWithNotices(Alert Alert, List<AlertNotice> Notices);

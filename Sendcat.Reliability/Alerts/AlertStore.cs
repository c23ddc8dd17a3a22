using Npgsql;

namespace Sendcat.Reliability.Alerts;

/// <summary>
/// Alerts in Postgres, for the watchers: any of them goes on where another one ended. One of them leads, and another one takes over when it
/// has not judged for <see cref="Term"/>.
/// </summary>
/// <param name="holder">Names this watcher among all.</param>
public sealed class AlertStore(NpgsqlDataSource database, string holder) : IAlertStore
{
    /// <summary>Two rounds and a little.</summary>
    public static readonly TimeSpan Term = TimeSpan.FromSeconds(35);

    /// <summary>Time after which a resolved alert is deleted.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(14);

    private static readonly TimeSpan Recent = TimeSpan.FromDays(1);
    private static readonly TimeSpan CleanUpInterval = TimeSpan.FromHours(1);

    private const int MaxDue = 100;
    private const int MaxFailureLength = 500;

    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    /// <inheritdoc/>
    public async Task<bool> LeadAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        // An end far in the future means that a clock was set back since.
        await using var command = database.CreateCommand(
            """
            -- lead alert rounds
            INSERT INTO reliability.alert_leader AS l (id, holder, until, cleaned_at) VALUES (1, $1, $2 + $3, $2)
            ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, until = excluded.until
            WHERE l.holder = excluded.holder OR l.until <= $2 OR l.until > $2 + 2 * $3
            RETURNING TRUE
            """);
        command.Parameters.Add(new() { Value = holder });
        command.Parameters.Add(new() { Value = now });
        command.Parameters.Add(new() { Value = Term });
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>Lets another watcher lead at once.</summary>
    public async Task ResignAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- resign as leader
            UPDATE reliability.alert_leader SET until = $2 WHERE holder = $1
            """);
        command.Parameters.Add(new() { Value = holder });
        command.Parameters.Add(new() { Value = now });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<IReadOnlyList<Alert>> KnownAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            $"""
            -- read known alerts
            SELECT {AlertSql.Columns} FROM reliability.alerts a WHERE a.resolved_at IS NULL
            UNION ALL
            SELECT {AlertSql.Columns} FROM reliability.alerts a WHERE a.resolved_at > $1
            """);
        command.Parameters.Add(new() { Value = now - Recent });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var alerts = new List<Alert>();
        while (await reader.ReadAsync(cancellationToken))
        {
            alerts.Add(await AlertSql.AlertAsync(reader, cancellationToken));
        }

        return alerts;
    }

    public async Task<bool> CommitAsync(
        IReadOnlyList<AlertChange> changes, Func<string, AlertEvent, IReadOnlyList<string>> channels, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await CleanUpIsDueAsync(connection, now, cancellationToken) is not { } cleanUp)
        {
            return false;
        }

        foreach (var change in changes)
        {
            var alert = await ApplyAsync(connection, change, now, cancellationToken);
            if (alert is { } id && change.Event is { } happened)
            {
                foreach (var channel in channels(change.Key.Kind, happened))
                {
                    await EnterAsync(connection, id, channel, happened, Guid.CreateVersion7(now), now, null, cancellationToken);
                }
            }
        }

        if (cleanUp)
        {
            await CleanUpAsync(connection, now, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    public async Task<IReadOnlyList<AlertNotice>> DueAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            $"""
            -- list due notices
            SELECT {AlertSql.Columns}, {AlertSql.NoticeColumns} FROM reliability.alert_notices n
            JOIN reliability.alerts a ON a.id = n.alert_id WHERE n.sent_at IS NULL AND n.next_attempt_at <= $1 AND n.created_at > $2 ORDER BY n.id LIMIT $3
            """);
        command.Parameters.Add(new() { Value = now });
        command.Parameters.Add(new() { Value = now - AlertNotice.Lifetime });
        command.Parameters.Add(new() { Value = MaxDue });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var notices = new List<AlertNotice>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var alert = await AlertSql.AlertAsync(reader, cancellationToken);
            notices.Add(await AlertSql.NoticeAsync(reader, alert, AlertSql.ColumnCount, cancellationToken));
        }

        return notices;
    }

    public async Task EndAsync(AlertNotice notice, string? failure, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var attempts = notice.Attempts + 1;
        await using var command = database.CreateCommand(
            """
            -- end attempt of notice
            UPDATE reliability.alert_notices SET attempts = $2, next_attempt_at = $4, failure = $5,
                sent_at = CASE WHEN $5 IS NULL THEN $3 END, failed_at = CASE WHEN $5 IS NULL THEN failed_at ELSE $3 END
            WHERE id = $1
            """);
        command.Parameters.Add(new() { Value = notice.Id });
        command.Parameters.Add(new() { Value = attempts });
        command.Parameters.Add(new() { Value = now });
        command.Parameters.Add(new() { Value = now + AlertNotice.PauseAfter(attempts) });
        command.Parameters.Add(AlertSql.Text(failure is { Length: > MaxFailureLength } ? failure[..MaxFailureLength] : failure));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Stores what was raised, held and resolved in memory while Postgres was unavailable, with its messages, so that none is sent twice.
    /// An alert of the memory whose condition is already an open alert here is left out.
    /// </summary>
    public async Task AdoptAsync(MemoryAlertStore memory, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var notices = memory.Notices.ToLookup(notice => notice.Alert.Id);
        foreach (var alert in memory.Changed)
        {
            var isNew = notices[alert.Id].Any(notice => notice.Event is AlertEvent.Raised or AlertEvent.Reopened);
            var stored = alert.Id < 0
                ? await InsertAsync(connection, alert, cancellationToken)
                : await UpdateAsync(connection, alert, isNew, cancellationToken);
            if (stored is { } id)
            {
                foreach (var notice in notices[alert.Id])
                {
                    await EnterAsync(
                        connection, id, notice.Channel, notice.Event, notice.MessageId, notice.CreatedAt, notice.SentAt, cancellationToken);
                }
            }
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <returns>Null: another watcher leads.</returns>
    private async Task<bool?> CleanUpIsDueAsync(NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            -- lock alert leader
            SELECT cleaned_at <= $2 FROM reliability.alert_leader WHERE holder = $1 FOR UPDATE
            """,
            connection)
        { Parameters = { new() { Value = holder }, new() { Value = now - CleanUpInterval } } };
        return await command.ExecuteScalarAsync(cancellationToken) as bool?;
    }

    private static async Task<long?> ApplyAsync(
        NpgsqlConnection connection, AlertChange change, DateTimeOffset now, CancellationToken cancellationToken)
    {
        switch (change)
        {
            case AlertChange.Raised raised:
                var id = await InsertAsync(connection, Alert.Of(0, raised.Finding, now), cancellationToken);
                await EnterRateLimitAlertAsync(connection, raised.Finding, now, cancellationToken);
                return id;
            case AlertChange.Held held:
                var seen = held.Alert.Seen(held, now);
                var updated = await UpdateAsync(connection, seen, held.IsNew, cancellationToken);
                await AlertMarks.EnterAsync(connection, held, seen, cancellationToken);
                return updated;
            case AlertChange.Resolved resolved:
                return await UpdateAsync(connection, resolved.Alert with { ResolvedAt = now }, isNew: false, cancellationToken);
            default:
                throw new InvalidOperationException($"The change {change.GetType().Name} is unknown.");
        }
    }

    /// <param name="isNew">It asks for attention anew, so nobody has taken it over.</param>
    /// <returns>Null: the alert was deleted.</returns>
    private static async Task<long?> UpdateAsync(NpgsqlConnection connection, Alert alert, bool isNew, CancellationToken cancellationToken)
    {
        await using var update = new NpgsqlCommand(
            """
            -- update alert
            UPDATE reliability.alerts SET cause = $2, observed = $3, threshold = $4, tags = $5, seen_at = $6, notified_at = $7,
                severity = $8, resolved_at = $10, acknowledged_at = CASE WHEN $9 THEN NULL ELSE acknowledged_at END,
                acknowledged_by = CASE WHEN $9 THEN NULL ELSE acknowledged_by END,
                acknowledged_reason = CASE WHEN $9 THEN NULL ELSE acknowledged_reason END
            WHERE id = $1 RETURNING id
            """,
            connection)
        {
            Parameters =
            {
                new() { Value = alert.Id }, new() { Value = alert.Cause }, new() { Value = alert.Observed },
                new() { Value = alert.Threshold }, AlertSql.Tags(alert.Tags), new() { Value = alert.SeenAt }, new() { Value = alert.NotifiedAt },
                new() { Value = alert.Severity.Name() }, new() { Value = isNew }, AlertSql.Time(alert.ResolvedAt),
            },
        };
        return await update.ExecuteScalarAsync(cancellationToken) as long?;
    }

    /// <returns>Null: there is an open alert of the kind and subject already.</returns>
    private static async Task<long?> InsertAsync(NpgsqlConnection connection, Alert alert, CancellationToken cancellationToken)
    {
        await using var insert = new NpgsqlCommand(
            """
            -- raise alert
            INSERT INTO reliability.alerts (kind, subject, severity, cause, command, playbook, over_when, observed, threshold, tags,
                raised_at, seen_at, notified_at, resolved_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO NOTHING RETURNING id
            """,
            connection)
        {
            Parameters =
            {
                new() { Value = alert.Kind }, new() { Value = alert.Subject }, new() { Value = alert.Severity.Name() },
                new() { Value = alert.Cause }, new() { Value = alert.Command }, new() { Value = alert.Playbook },
                new() { Value = alert.Over }, new() { Value = alert.Observed }, new() { Value = alert.Threshold },
                AlertSql.Tags(alert.Tags), new() { Value = alert.RaisedAt }, new() { Value = alert.SeenAt },
                new() { Value = alert.NotifiedAt }, AlertSql.Time(alert.ResolvedAt),
            },
        };
        return await insert.ExecuteScalarAsync(cancellationToken) as long?;
    }

    private static async Task EnterAsync(
        NpgsqlConnection connection, long alert, string channel, AlertEvent happened, Guid message, DateTimeOffset created,
        DateTimeOffset? sent, CancellationToken cancellationToken)
    {
        await using var enter = new NpgsqlCommand(
            """
            -- enter notice of alert
            INSERT INTO reliability.alert_notices (alert_id, channel, event, message_id, created_at, next_attempt_at, sent_at)
            SELECT $1, $2, $3, $4, $5, $5, $6
            WHERE NOT EXISTS (SELECT FROM reliability.alert_notices WHERE alert_id = $1 AND message_id = $4)
            """,
            connection)
        {
            Parameters =
            {
                new() { Value = alert }, new() { Value = channel }, new() { Value = happened.Name() }, new() { Value = message },
                new() { Value = created }, AlertSql.Time(sent),
            },
        };
        await enter.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The snapshot lists alerts of limits from a table of their own.</summary>
    private static async Task EnterRateLimitAlertAsync(
        NpgsqlConnection connection, AlertFinding finding, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (!finding.Tags.TryGetValue(AlertTags.Bucket, out var bucket) || !finding.Tags.TryGetValue(AlertTags.Outcome, out var outcome))
        {
            return;
        }

        await using var enter = new NpgsqlCommand(
            """
            -- enter rate limit alert
            INSERT INTO reliability.rate_limit_alerts
                (alert_key, bucket, outcome, threshold, observed, window_minutes, created_at, expires_at)
            VALUES ($1 || '|' || $2 || '|' || $3, $1, $2, $4, $5, $6, $7, $8) ON CONFLICT (alert_key) DO NOTHING
            """,
            connection)
        {
            Parameters =
            {
                new() { Value = bucket }, new() { Value = outcome },
                new() { Value = now.ToUnixTimeMilliseconds().ToString(System.Globalization.CultureInfo.InvariantCulture) },
                new() { Value = (int)finding.Threshold }, new() { Value = (int)Math.Min(finding.Observed, int.MaxValue) },
                new() { Value = AlertTags.WindowMinutes }, new() { Value = now }, new() { Value = now + Retention },
            },
        };
        await enter.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task CleanUpAsync(NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        Add(
            """
            -- remove old alerts
            DELETE FROM reliability.alerts WHERE id = ANY(ARRAY(SELECT id FROM reliability.alerts WHERE resolved_at < $1 LIMIT 1000))
            """,
            now - Retention);
        Add(
            """
            -- remove expired rate limit alerts
            DELETE FROM reliability.rate_limit_alerts WHERE id = ANY(ARRAY(
                SELECT id FROM reliability.rate_limit_alerts WHERE expires_at < $1 LIMIT 1000))
            """,
            now);
        Add(
            """
            -- note alert cleaning
            UPDATE reliability.alert_leader SET cleaned_at = $1
            """,
            now);
        await batch.ExecuteNonQueryAsync(cancellationToken);

        void Add(string sql, DateTimeOffset time) => batch.BatchCommands.Add(new(sql) { Parameters = { new() { Value = time } } });
    }
}

/// <summary>Tags of findings that this folder reads itself.</summary>
public static class AlertTags
{
    public const string Bucket = "bucket";
    public const string Outcome = "outcome";

    /// <summary>The window in minutes over which events of limits are counted.</summary>
    public const int WindowMinutes = 5;
}

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Sendcat.Reliability.Alerts;

/// <summary>Reads the present state of the tool queue.</summary>
public delegate Task<QueueState> QueueGauge(CancellationToken cancellationToken);

/// <summary>
/// Alerts about the tool queue. There is at most one alert of a kind per time slot of <c>TOOL_QUEUE_ALERT_COOLDOWN_MS</c>. An alert is
/// stored for 14 days, and is marked as cleared once its value is within the threshold again. One replica at a time checks the queue.
/// </summary>
public sealed class QueueAlerts
{
    /// <summary>Time after which an alert is deleted.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(14);

    /// <summary>Minimum interval of the scheduled checks, over all replicas.</summary>
    public static readonly TimeSpan CheckInterval = TimeSpan.FromMinutes(5);

    /// <summary>Key of the advisory lock: "alerting" in ASCII.</summary>
    private const long LockKey = 0x616C657274696E67;

    private const string RunName = "tool_queue_health";

    private const string TryLock = """
        -- try lock queue check
        SELECT pg_try_advisory_xact_lock($1)
        """;

    private const string WaitForLock = """
        -- lock queue check
        SELECT pg_advisory_xact_lock($1) IS NOT NULL
        """;

    private readonly QueueGauge _gauge;
    private readonly NpgsqlDataSource _database;
    private readonly IOptionsMonitor<ToolQueueAlertOptions> _options;
    private readonly TimeProvider _time;
    private readonly ReliabilityMetrics _metrics;
    private readonly ILogger<QueueAlerts> _logger;

    internal QueueAlerts(
        QueueGauge gauge,
        NpgsqlDataSource database,
        IOptionsMonitor<ToolQueueAlertOptions> options,
        TimeProvider time,
        ReliabilityMetrics metrics,
        ILogger<QueueAlerts> logger)
    {
        (_gauge, _database, _options, _time, _metrics, _logger) = (gauge, database, options, time, metrics, logger);
    }

    /// <summary>Compares the present state of the queue with the thresholds. Raises and clears no alert.</summary>
    public async Task<IReadOnlyList<QueueFinding>> EvaluateAsync(CancellationToken cancellationToken) =>
        QueueHealth.Evaluate(await _gauge(cancellationToken), _options.CurrentValue);

    /// <summary>Checks the queue, and raises and clears alerts. Waits while another replica checks.</summary>
    public async Task<QueueCheck> CheckAsync(CancellationToken cancellationToken) =>
        (await CheckAsync(onlyWhenDue: false, cancellationToken))!;

    /// <summary>
    /// Checks the queue like <see cref="CheckAsync(CancellationToken)"/>, unless another replica checks now or has checked within
    /// <see cref="CheckInterval"/>.
    /// </summary>
    /// <returns>Null: not checked.</returns>
    internal Task<QueueCheck?> CheckIfDueAsync(CancellationToken cancellationToken) => CheckAsync(onlyWhenDue: true, cancellationToken);

    /// <summary>Lists alerts, the newest first.</summary>
    /// <param name="before">Id of the last alert of the previous page; null for the first page.</param>
    /// <param name="limit">Most alerts to return.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<IReadOnlyList<QueueAlert>> ListAsync(long? before, int limit, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(
            """
            -- list queue alerts
            SELECT id, alert_key, kind, observed, threshold, window_minutes, created_at, expires_at, cleared_at
            FROM reliability.tool_queue_alerts WHERE id < $1 ORDER BY id DESC LIMIT $2
            """);
        command.Parameters.Add(new() { Value = before ?? long.MaxValue });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var alerts = new List<QueueAlert>();
        while (await reader.ReadAsync(cancellationToken))
        {
            alerts.Add(new(
                reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt32(5),
                await reader.GetFieldValueAsync<DateTimeOffset>(6, cancellationToken),
                await reader.GetFieldValueAsync<DateTimeOffset>(7, cancellationToken),
                await reader.IsDBNullAsync(8, cancellationToken)
                    ? null
                    : await reader.GetFieldValueAsync<DateTimeOffset>(8, cancellationToken)));
        }

        return alerts;
    }

    private async Task<QueueCheck?> CheckAsync(bool onlyWhenDue, CancellationToken cancellationToken)
    {
        var (options, now) = (_options.CurrentValue, _time.GetUtcNow());
        if (!options.Enabled)
        {
            return new(false, 0, 0, options.WindowMinutes, []);
        }

        await using var connection = await _database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await TryClaimRunAsync(connection, onlyWhenDue, now, cancellationToken))
        {
            return null;
        }

        var findings = QueueHealth.Evaluate(await _gauge(cancellationToken), options);
        var (raised, cleared) = await RecordAsync(connection, transaction, findings, options, now, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        foreach (var finding in findings.Where(finding => raised.Contains(finding.Kind)))
        {
            _metrics.QueueAlert(finding.Kind, "raised");
            _logger.QueueAlertRaised(finding.Kind, finding.Observed, finding.Threshold);
        }

        foreach (var kind in cleared.Distinct(StringComparer.Ordinal))
        {
            _metrics.QueueAlert(kind, "cleared");
            _logger.QueueAlertResolved(kind);
        }

        return new(true, raised.Count, cleared.Count, options.WindowMinutes, findings);
    }

    private static async Task<bool> TryClaimRunAsync(
        NpgsqlConnection connection, bool onlyWhenDue, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var locking = new NpgsqlCommand(onlyWhenDue ? TryLock : WaitForLock, connection)
        {
            Parameters = { new() { Value = LockKey } },
        };
        if (await locking.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return false;
        }

        // A last run in the future ($2 + $3) means that the clock was set back since: then a run is due too.
        await using var running = new NpgsqlCommand(
            """
            -- claim scheduled run
            INSERT INTO reliability.scheduled_runs AS r (name, ran_at) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET ran_at = excluded.ran_at WHERE NOT $4 OR r.ran_at <= $2 - $3 OR r.ran_at > $2 + $3
            RETURNING TRUE
            """,
            connection)
        {
            Parameters =
            {
                new() { Value = RunName }, new() { Value = now }, new() { Value = CheckInterval }, new() { Value = onlyWhenDue },
            },
        };
        return await running.ExecuteScalarAsync(cancellationToken) is true;
    }

    private static async Task<(IReadOnlyCollection<string> Raised, IReadOnlyCollection<string> Cleared)> RecordAsync(
        NpgsqlConnection connection,
        NpgsqlTransaction transaction,
        IReadOnlyList<QueueFinding> findings,
        ToolQueueAlertOptions options,
        DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        var slot = now.ToUnixTimeMilliseconds() / options.CooldownMs * options.CooldownMs;
        QueueFinding[] exceeded = [.. findings.Where(finding => finding.IsExceeded)];
        await using var batch = new NpgsqlBatch(connection, transaction);
        batch.BatchCommands.Add(new(
            """
            -- raise queue alerts
            INSERT INTO reliability.tool_queue_alerts AS a (alert_key, kind, observed, threshold, window_minutes, created_at, expires_at)
            SELECT kind || '|' || $4, kind, observed, threshold, $5, $6, $7
            FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS f(kind, observed, threshold)
            ON CONFLICT (alert_key) DO UPDATE SET observed = greatest(a.observed, excluded.observed), cleared_at = NULL
            RETURNING kind, xmax = 0
            """)
        {
            Parameters =
            {
                new() { Value = Array.ConvertAll(exceeded, finding => finding.Kind) },
                new() { Value = Array.ConvertAll(exceeded, finding => finding.Observed) },
                new() { Value = Array.ConvertAll(exceeded, finding => finding.Threshold) },
                new() { Value = slot.ToString(System.Globalization.CultureInfo.InvariantCulture) },
                new() { Value = options.WindowMinutes },
                new() { Value = now },
                new() { Value = now + Retention },
            },
        });
        batch.BatchCommands.Add(new(
            """
            -- clear queue alerts
            UPDATE reliability.tool_queue_alerts SET cleared_at = $2 WHERE cleared_at IS NULL AND NOT kind = ANY($1) RETURNING kind
            """)
        {
            Parameters = { new() { Value = Array.ConvertAll(exceeded, finding => finding.Kind) }, new() { Value = now } },
        });
        batch.BatchCommands.Add(new(
            """
            -- remove expired queue alerts
            DELETE FROM reliability.tool_queue_alerts
              WHERE id IN (SELECT id FROM reliability.tool_queue_alerts WHERE expires_at <= $1 LIMIT 1000)
            """)
        {
            Parameters = { new() { Value = now } },
        });

        var (raised, cleared) = (new List<string>(), new List<string>());
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetBoolean(1))
            {
                raised.Add(reader.GetString(0));
            }
        }

        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            cleared.Add(reader.GetString(0));
        }

        return (raised, cleared);
    }
}

/// <summary>The result of a check of the tool queue.</summary>
/// <param name="Enabled">The knob <c>TOOL_QUEUE_ALERTS_ENABLED</c>. False: nothing was checked.</param>
/// <param name="Created">How many alerts were raised. An alert that already exists in its cooldown slot does not count.</param>
/// <param name="Cleared">How many alerts were cleared.</param>
/// <param name="WindowMinutes">A label only: the check uses the present state.</param>
/// <param name="Findings">All kinds, with or without an alert.</param>
public sealed record QueueCheck(bool Enabled, int Created, int Cleared, int WindowMinutes, IReadOnlyList<QueueFinding> Findings);

/// <summary>An alert about the tool queue.</summary>
/// <param name="Id">Ascending with the time of creation.</param>
/// <param name="AlertKey"><c>kind|start of the cooldown slot in Unix milliseconds</c>.</param>
/// <param name="Kind">See <see cref="QueueFinding"/>.</param>
/// <param name="Observed">Jobs or milliseconds: the highest value that was observed in the slot.</param>
/// <param name="Threshold">Jobs or milliseconds.</param>
/// <param name="WindowMinutes">A label only.</param>
/// <param name="CreatedAt">When the alert was raised.</param>
/// <param name="ExpiresAt">When the alert is deleted.</param>
/// <param name="ClearedAt">When the alert was cleared; null while the value is above the threshold.</param>
public sealed record QueueAlert(
    long Id,
    string AlertKey,
    string Kind,
    long Observed,
    long Threshold,
    int WindowMinutes,
    DateTimeOffset CreatedAt,
    DateTimeOffset ExpiresAt,
    DateTimeOffset? ClearedAt);

using Npgsql;
using NpgsqlTypes;
using Sendcat.Reliability.Database;

namespace Sendcat.Reliability.Snapshot;

/// <summary>
/// The counts of a snapshot that come from Postgres: of all rows of the window, none sampled. All are read in one round trip.
/// </summary>
public sealed class SnapshotStore(RequestDatabase database)
{
    // The index of the events begins with the outcome.
    private const string Events = """
        -- count rate limit events of window
        SELECT bucket, outcome, coalesce(reason, 'none'), sum(hits)::bigint FROM reliability.rate_limit_events
        WHERE outcome = ANY(ARRAY['allowed', 'blocked', 'contention_fallback']) AND created_at >= $1 GROUP BY 1, 2, 3
        """;

    private const string Alerts = """
        -- list rate limit alerts
        SELECT bucket, outcome, observed, threshold, window_minutes, created_at,
            (SELECT count(*) FROM reliability.rate_limit_alerts WHERE created_at >= $1)
        FROM reliability.rate_limit_alerts ORDER BY created_at DESC, id DESC LIMIT $2
        """;

    private const string QueueAlerts = """
        -- count tool queue alerts of window
        SELECT count(*) FROM reliability.tool_queue_alerts WHERE created_at >= $1
        """;

    // A suspension is recorded when it begins, not while it goes on.
    private const string Suspensions = $"""
        -- find starts of suspensions
        SELECT key, coalesce(reason, ''), max(created_at) FROM reliability.rate_limit_events
        WHERE bucket = '{Circuits.Circuits.SuspensionBucket}' AND created_at >= now() - INTERVAL '7 days' GROUP BY 1, 2
        """;

    // The index begins with the scope: each scope is found by one step in it, and its keys by a range.
    private const string Replays = """
        -- count webhook keys of the window
        WITH RECURSIVE scopes AS (
            (SELECT scope FROM reliability.webhook_inbox ORDER BY scope LIMIT 1)
            UNION ALL
            SELECT (SELECT w.scope FROM reliability.webhook_inbox w WHERE w.scope > s.scope ORDER BY w.scope LIMIT 1) FROM scopes s
            WHERE s.scope IS NOT NULL
        )
        SELECT s.scope, k.keys, k.duplicates, k.hits FROM scopes s CROSS JOIN LATERAL (
            SELECT count(*) AS keys, count(*) FILTER (WHERE hit_count > 1) AS duplicates, coalesce(sum(hit_count - 1), 0)::bigint AS hits
            FROM reliability.webhook_inbox w WHERE w.scope = s.scope AND w.first_seen_at >= $1) k
        WHERE s.scope IS NOT NULL AND k.keys > 0
        """;

    /// <param name="since">The start of the window.</param>
    /// <param name="limit">Most alerts to list.</param>
    public async Task<SnapshotReading> ReadAsync(DateTimeOffset since, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var batch = connection.CreateBatch();
        foreach (var sql in new[] { Events, Alerts, QueueAlerts, Replays, Suspensions })
        {
            var command = new NpgsqlBatchCommand(sql);
            if (sql != Suspensions)
            {
                command.Parameters.Add(new() { Value = since, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            }

            if (sql == Alerts)
            {
                command.Parameters.Add(new() { Value = limit });
            }

            batch.BatchCommands.Add(command);
        }

        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        var events = new List<EventCount>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            events.Add(new(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3)));
        }

        await reader.NextResultAsync(CancellationToken.None);
        var (alerts, alertsInWindow) = (new List<RateLimitAlert>(), 0L);
        while (await reader.ReadAsync(CancellationToken.None))
        {
            alerts.Add(new(
                reader.GetString(0), reader.GetString(1), reader.GetInt32(2), reader.GetInt32(3), reader.GetInt32(4),
                await reader.GetFieldValueAsync<DateTimeOffset>(5, CancellationToken.None)));
            alertsInWindow = reader.GetInt64(6);
        }

        await reader.NextResultAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);
        var queueAlerts = reader.GetInt64(0);
        await reader.NextResultAsync(CancellationToken.None);
        var replays = new List<ReplayCount>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            replays.Add(new(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3)));
        }

        await reader.NextResultAsync(CancellationToken.None);
        var suspensions = new List<SuspensionStart>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            suspensions.Add(new(
                reader.GetString(0)[(Circuits.Circuits.SuspensionBucket.Length + 1)..], reader.GetString(1),
                await reader.GetFieldValueAsync<DateTimeOffset>(2, CancellationToken.None)));
        }

        return new(events, alerts, alertsInWindow, queueAlerts, replays) { Suspensions = suspensions };
    }
}

public sealed record SnapshotReading(
    IReadOnlyList<EventCount> Events, IReadOnlyList<RateLimitAlert> Alerts, long AlertsInWindow, long QueueAlertsInWindow,
    IReadOnlyList<ReplayCount> Replays)
{
    /// <summary>The last beginning of each suspension, of the last seven days.</summary>
    public required IReadOnlyList<SuspensionStart> Suspensions { get; init; }
}

/// <summary>A provider began to reject our account.</summary>
/// <param name="Reason"><c>key</c> or <c>quota</c>.</param>
public sealed record SuspensionStart(string Provider, string Reason, DateTimeOffset At);

/// <summary>How often a limit decided in one way.</summary>
/// <param name="Reason"><c>none</c> without one.</param>
public sealed record EventCount(string Bucket, string Outcome, string Reason, long Hits);

public sealed record RateLimitAlert(string Bucket, string Outcome, int Observed, int Threshold, int WindowMinutes,
    DateTimeOffset CreatedAt);

/// <summary>The keys of webhooks that were first seen in the window.</summary>
/// <param name="Duplicates">Keys that were delivered more than once.</param>
/// <param name="Hits">The repeated deliveries.</param>
public sealed record ReplayCount(string Scope, long Keys, long Duplicates, long Hits);

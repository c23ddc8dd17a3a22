using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>The state of the queue as exact counts from Postgres.</summary>
public sealed class ToolJobStatistics(LaneCatalog lanes, RequestDatabase database)
{
    /// <summary>$1 is the window. Each part reads one index, and no rows of the table.</summary>
    internal const string Count = """
        -- count tool jobs
        SELECT tool, 'queued' AS status, count(*)::int, count(*) FILTER (WHERE available_at <= statement_timestamp())::int,
            greatest(statement_timestamp() - min(available_at), INTERVAL '0'), count(*) FILTER (WHERE over_cap)::int
        FROM reliability.tool_jobs WHERE status = 'queued' GROUP BY tool
        UNION ALL
        SELECT tool, 'running', count(*)::int, 0, coalesce(statement_timestamp() - min(started_at), INTERVAL '0'),
          count(*) FILTER (WHERE over_cap)::int
        FROM reliability.tool_jobs WHERE status = 'running' GROUP BY tool
        UNION ALL
        SELECT tool, 'dead_letter', count(*)::int, 0, coalesce(statement_timestamp() - min(dead_letter_at), INTERVAL '0'), 0
        FROM reliability.tool_jobs WHERE status = 'dead_letter' GROUP BY tool
        UNION ALL
        SELECT tool, status, count(*)::int, 0, INTERVAL '0', count(*) FILTER (WHERE over_cap)::int
        FROM reliability.tool_jobs WHERE completed_at > statement_timestamp() - $1 AND status IN ('completed', 'failed', 'cancelled')
        GROUP BY tool, status
        """;

    /// <summary>Counts the jobs of each lane.</summary>
    /// <param name="window">Completed, failed and cancelled jobs count when they ended within this time.</param>
    public async Task<ToolQueueReading> ReadAsync(TimeSpan window, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(Count);
        command.Parameters.Add(new() { Value = window });
        var counts = new List<(string Tool, string Status, int Count, int Due, TimeSpan Oldest, int OverCap)>();
        await using (var reader = await command.ExecuteReaderAsync(CancellationToken.None))
        {
            while (await reader.ReadAsync(CancellationToken.None))
            {
                counts.Add(
                    (reader.GetString(0), reader.GetString(1), reader.GetInt32(2), reader.GetInt32(3), reader.GetTimeSpan(4),
                        reader.GetInt32(5)));
            }
        }

        return new(
            window, [.. lanes.All.Select(lane => Read(lane, lanes.LimitsOf(lane), counts.Where(it => it.Tool == lane.Tool).ToArray()))]);
    }

    private static LaneReading Read(
        ToolLane lane, LaneLimits limits, (string Tool, string Status, int Count, int Due, TimeSpan Oldest, int OverCap)[] counts)
    {
        var of = counts.ToDictionary(it => it.Status, StringComparer.Ordinal);
        var (queued, running) = (of.GetValueOrDefault("queued"), of.GetValueOrDefault("running"));
        return new(lane.Tool, lane.Qos.Name)
        {
            Queued = queued.Count,
            QueuedDue = queued.Due,
            Running = running.Count,
            DeadLetters = of.GetValueOrDefault("dead_letter").Count,
            Completed = of.GetValueOrDefault("completed").Count,
            Failed = of.GetValueOrDefault("failed").Count,
            Cancelled = of.GetValueOrDefault("cancelled").Count,
            OverCap = counts.Sum(it => it.OverCap),
            OldestQueued = queued.Oldest,
            OldestRunning = running.Oldest,
            OldestDeadLetter = of.GetValueOrDefault("dead_letter").Oldest,
            QueuedUtilization = limits.Queued is { } cap ? (double)queued.Due / cap : 0,
            RunningUtilization = (double)running.Count / limits.MaxConcurrent,
        };
    }
}

/// <summary>The counts of all lanes at one moment.</summary>
/// <param name="Window">Completed, failed and cancelled jobs count when they ended within this time.</param>
public sealed record ToolQueueReading(TimeSpan Window, IReadOnlyList<LaneReading> Lanes)
{
    public int Queued => Lanes.Sum(lane => lane.Queued);

    public int DeadLetters => Lanes.Sum(lane => lane.DeadLetters);

    public TimeSpan OldestQueued => Lanes.Max(lane => lane.OldestQueued);

    public TimeSpan OldestRunning => Lanes.Max(lane => lane.OldestRunning);
}

/// <summary>The counts of one lane.</summary>
public sealed record LaneReading(string Tool, string QosClass)
{
    /// <summary>All queued jobs, including those that wait for their retry or replay.</summary>
    public required int Queued { get; init; }

    public required int QueuedDue { get; init; }

    public required int Running { get; init; }

    public required int DeadLetters { get; init; }

    public required int Completed { get; init; }

    /// <summary>Jobs that ended without a result because another attempt would not help. Dead letters are not included.</summary>
    public required int Failed { get; init; }

    public required int Cancelled { get; init; }

    /// <summary>Jobs, live or ended within the window, that would have been refused if the cap had been enforced.</summary>
    public required int OverCap { get; init; }

    /// <summary>Time since the oldest queued job became due; zero when none is due.</summary>
    public required TimeSpan OldestQueued { get; init; }

    public required TimeSpan OldestRunning { get; init; }

    public required TimeSpan OldestDeadLetter { get; init; }

    /// <summary>Due jobs divided by the cap; 0 without a cap. Above 1 only while caps are advisory.</summary>
    public required double QueuedUtilization { get; init; }

    /// <summary>Running jobs divided by the number that may run at the same time.</summary>
    public required double RunningUtilization { get; init; }
}

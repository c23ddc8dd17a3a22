using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;

namespace Sendcat.Reliability.Events;

/// <summary>
/// Writes the marks of this process to Postgres in the background, within a second, and deletes them after 30 days. While Postgres is
/// unavailable they wait in memory.
/// </summary>
public sealed class IncidentMarks(NpgsqlDataSource database, TimeProvider time, StoreOutages outages, ILogger<IncidentMarks> logger)
    : BackgroundService
{
    /// <summary>Time after which a mark is deleted.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(30);

    private const string Work = "Writing of incident marks";

    /// <summary>Most marks that wait in memory; the others are dropped.</summary>
    private const int MaxWaiting = 1_000;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RemoveEvery = TimeSpan.FromHours(6);

    // A deployment is one only when the last one of the same program had another version (the detail). Who finds a process dead knows its
    // id alone; a process that has stopped in order did not die.
    private const string Insert = """
        -- write incident marks
        INSERT INTO reliability.incident_marks (at, kind, subject, title, detail, key)
        SELECT m.at, m.kind, coalesce((SELECT p.subject FROM reliability.incident_marks p WHERE p.key = 'started|' || m.subject),
            m.subject),
            m.title, m.detail, m.key
        FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS m(at, kind, subject, title, detail,
            key)
        WHERE (m.kind <> 'deployment' OR m.detail IS DISTINCT FROM (
                SELECT d.detail FROM reliability.incident_marks d WHERE d.kind = 'deployment' AND d.subject = m.subject ORDER BY d.id DESC
                    LIMIT 1))
            AND (m.kind <> 'process_died' OR NOT EXISTS (SELECT FROM reliability.incident_marks s WHERE s.key = 'stopped|' || m.subject))
        ON CONFLICT (key) DO NOTHING
        """;

    private const string Remove = """
        -- remove old incident marks
        DELETE FROM reliability.incident_marks WHERE at < $1
        """;

    private readonly ConcurrentQueue<IncidentMark> _waiting = [];
    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);
    private long? _removedAt;

    /// <summary>The keys of the marks of a process, by which the others find them.</summary>
    public static string Started(string process) => $"started|{process}";

    /// <inheritdoc cref="Started"/>
    public static string Stopped(string process) => $"stopped|{process}";

    /// <summary>Records a mark in memory. It does no I/O and throws no exception.</summary>
    public void Record(IncidentMark mark)
    {
        if (_waiting.Count < MaxWaiting)
        {
            _waiting.Enqueue(mark.At == default ? mark with { At = time.GetUtcNow() } : mark);
        }
    }

    /// <summary>Writes what waits. When the write fails, it waits for the next flush.</summary>
    internal async Task FlushAsync(CancellationToken cancellationToken)
    {
        var marks = new List<IncidentMark>();
        while (_waiting.TryDequeue(out var mark))
        {
            marks.Add(mark);
        }

        if (marks.Count == 0)
        {
            return;
        }

        try
        {
            await using var command = database.CreateCommand(Insert);
            Add(mark => mark.At);
            Add(mark => mark.Kind.Name());
            Add(mark => mark.Subject);
            Add(mark => mark.Title);
            Add(mark => mark.Detail);
            Add(mark => mark.Key);
            await command.ExecuteNonQueryAsync(cancellationToken);
            _outage.Ends();

            void Add<T>(Func<IncidentMark, T> column) =>
                command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = [.. marks.Select(column)] });
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception))
        {
            marks.ForEach(_waiting.Enqueue);
            if (!cancellationToken.IsCancellationRequested && _outage.Begins(exception))
            {
                logger.MarksUnwritten(marks.Count, exception.Message);
            }
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, logger, time).EveryAsync(Period, RoundAsync, stoppingToken);

    /// <summary>Also writes the remaining marks.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await FlushAsync(cancellationToken);
    }

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        if (_removedAt is { } removed && time.GetElapsedTime(removed) < RemoveEvery)
        {
            return;
        }

        _removedAt = time.GetTimestamp();
        try
        {
            await using var command = database.CreateCommand(Remove);
            command.Parameters.Add(new() { Value = time.GetUtcNow() - Retention });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception))
        {
            // Before the first migration, or while Postgres is unavailable. The next time is soon enough.
            outages.Postgres.Records("Deleting of incident marks", exception);
        }
    }
}

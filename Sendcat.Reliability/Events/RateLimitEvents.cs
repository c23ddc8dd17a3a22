using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.Events;

/// <summary>
/// Writes the events of the limits to Postgres in the background, so that no call waits for it: every second it writes the aggregated
/// events, and every hour it deletes the expired ones.
/// </summary>
public sealed class RateLimitEvents : BackgroundService
{
    /// <summary>Time after which an event is deleted.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(7);

    private const string Work = "Writing of rate limit events";

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromHours(1);

    // The dedupe key is the same on all replicas: equal events of two replicas are one row with the sum of their hits.
    private const string Insert = """
        -- write rate limit events
        INSERT INTO reliability.rate_limit_events (source, bucket, key, outcome, reason, retry_after_ms, path, method, dedupe_key, hits,
          created_at, expires_at)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::text[],
          $10::int[], $11::timestamptz[], $12::timestamptz[])
        ON CONFLICT (dedupe_key) DO UPDATE SET hits = rate_limit_events.hits + excluded.hits
        """;

    private const string Sweep = """
        -- remove expired rate limit events
        DELETE FROM reliability.rate_limit_events
          WHERE id IN (SELECT id FROM reliability.rate_limit_events WHERE expires_at < $1 LIMIT 5000)
        """;

    private readonly EventTally _tally = new();
    private readonly NpgsqlDataSource _database;
    private readonly TimeProvider _time;
    private readonly ReliabilityMetrics _metrics;
    private readonly ILogger<RateLimitEvents> _logger;
    private readonly WorkOutage _outage;
    private readonly StoreOutages _outages;
    private long _sweptAt;

    internal RateLimitEvents(
        NpgsqlDataSource database, TimeProvider time, ReliabilityMetrics metrics, StoreOutages outages, ILogger<RateLimitEvents> logger)
    {
        (_database, _time, _metrics, _outages, _logger) = (database, time, metrics, outages, logger);
        _outage = new(Work, outages.Postgres, logger, time);
        _sweptAt = time.GetTimestamp();
    }

    /// <summary>Records an event in memory. It does no I/O and throws no exception; without capacity the event is dropped.</summary>
    public void Record(in RateLimitEvent happened) => _metrics.Event(_tally.Add(happened, _time.GetUtcNow()) switch
    {
        EventTally.Fate.Recorded => "recorded",
        EventTally.Fate.Repeated => "repeated",
        EventTally.Fate.Dropped => "dropped",
        var fate => throw new InvalidOperationException($"The fate {fate} has no name."),
    });

    /// <summary>Writes the events since the last flush. When the write fails, the events are put back for the next flush.</summary>
    internal async Task FlushAsync(CancellationToken cancellationToken)
    {
        // Sorted by key, so that two replicas that write the same rows lock them in the same order and cannot deadlock.
        var tallies = _tally.Drain().Select(tally => (tally.DedupeKey, tally)).OrderBy(pair => pair.DedupeKey, StringComparer.Ordinal)
            .ToArray();
        if (tallies.Length == 0)
        {
            return;
        }

        var began = _time.GetUtcNow();
        try
        {
            await using var command = _database.CreateCommand(Insert);
            Add(tally => tally.Event.SourceName);
            Add(tally => tally.Event.Bucket);
            Add(tally => PrincipalMask.Of(tally.Event.Key));
            Add(tally => tally.Event.OutcomeName);
            Add(tally => tally.Event.Reason);
            Add(tally => (int?)tally.Event.RetryAfter?.TotalMilliseconds);
            Add(tally => tally.Event.Path);
            Add(tally => tally.Event.Method);
            Add(tally => tally.DedupeKey);
            Add(tally => tally.Hits);
            Add(tally => tally.At);
            Add(tally => tally.At + Retention);
            await command.ExecuteNonQueryAsync(cancellationToken);
            _outage.Ends();
            BackgroundRound.Record("write rate limit events", began, ("sendcat.events.count", tallies.Length));

            void Add<T>(Func<EventTally.Tally, T> column) =>
                command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = [.. tallies.Select(it => column(it.tally))] });
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception))
        {
            var dropped = _tally.PutBack([.. tallies.Select(it => it.tally)]);
            _metrics.Event("dropped", dropped);
            if (!cancellationToken.IsCancellationRequested && _outage.Begins(exception))
            {
                _logger.EventsUnwritten(tallies.Length, exception.Message);
            }
        }
    }

    /// <summary>Deletes expired events in batches of 5000 rows.</summary>
    /// <returns>The number of deleted rows.</returns>
    internal async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var (began, all) = (_time.GetUtcNow(), 0);
        int deleted;
        do
        {
            await using var command = _database.CreateCommand(Sweep);
            command.Parameters.Add(new() { Value = _time.GetUtcNow() });
            all += deleted = await command.ExecuteNonQueryAsync(cancellationToken);
        }
        while (deleted == 5000);

        if (all > 0)
        {
            BackgroundRound.Record("remove expired rate limit events", began, ("sendcat.events.count", all));
        }

        return all;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, _logger, _time).EveryAsync(Period, RoundAsync, stoppingToken);

    /// <summary>Also writes the remaining events.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await FlushAsync(cancellationToken);
    }

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        if (_time.GetElapsedTime(_sweptAt) >= SweepEvery)
        {
            _sweptAt = _time.GetTimestamp();
            await TrySweepAsync(cancellationToken);
        }
    }

    private async Task TrySweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SweepAsync(cancellationToken);
        }
        catch (Exception exception) when (PostgresFailure.Is(exception))
        {
            if (!_outages.Postgres.Records("Deleting of rate limit events", exception))
            {
                _logger.SweepFailed(exception.Message);
            }
        }
    }
}

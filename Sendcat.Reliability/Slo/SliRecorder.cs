using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.Slo;

/// <summary>
/// Counts the requests of this replica, and writes each minute to Postgres once it has ended, so that a replica that dies loses the minute
/// in which it dies. While Postgres is unavailable, up to a day of minutes waits in memory. Recording does no I/O.
/// </summary>
public sealed class SliRecorder : BackgroundService
{
    private const string Work = "Writing of service level minutes";

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FoldInterval = TimeSpan.FromHours(1);

    private readonly SliTally _tally = new(SloPolicy.Default.Endpoints.Keys);
    private readonly Dictionary<string, RecentRequests> _recent = SloPolicy.Default.Endpoints.Keys.ToDictionary(
        endpoint => endpoint, _ => new RecentRequests(SloPolicy.Default.Verdict), StringComparer.Ordinal);

    private readonly SliStore _store;
    private readonly ReplicaId _replica;
    private readonly SliMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<SliRecorder> _logger;
    private readonly WorkOutage _outage;
    private readonly StoreOutages _outages;
    private ITimer? _clock;
    private long _foldedAt;

    internal SliRecorder(
        SliStore store, ReplicaId replica, SliMetrics metrics, TimeProvider time, StoreOutages outages, ILogger<SliRecorder> logger)
    {
        (_store, _replica, _metrics, _time, _outages, _logger) = (store, replica, metrics, time, outages, logger);
        _outage = new(Work, outages.Postgres, logger, time);
        _foldedAt = time.GetTimestamp();
    }

    /// <summary>Counts a request that ended.</summary>
    /// <param name="endpoint">An endpoint of the policy.</param>
    /// <param name="request">How it ended.</param>
    /// <exception cref="ArgumentException">The policy has no such endpoint.</exception>
    public void Ended(string endpoint, in SliRequest request)
    {
        _tally.Add(endpoint, request, _time.GetUtcNow());
        _metrics.Ended(endpoint, request);
        _recent[endpoint].Add(request, _time.GetUtcNow());
    }

    /// <summary>The requests of an endpoint that ended on this replica in the last minute.</summary>
    /// <param name="endpoint">An endpoint of the policy.</param>
    public RecentCounts Recent(string endpoint) => _recent[endpoint].Read(_time.GetUtcNow());

    /// <summary>The requests of an endpoint that ended on this replica in the last 15 seconds.</summary>
    /// <inheritdoc cref="Recent"/>
    public RecentCounts Latest(string endpoint) => _recent[endpoint].ReadLatest(_time.GetUtcNow());

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // A timer of its own, so that a minute counts as recorded also while a write waits for Postgres.
        _clock = _time.CreateTimer(_ => _tally.Touch(_time.GetUtcNow()), null, TimeSpan.Zero, Period);
        return base.StartAsync(cancellationToken);
    }

    /// <summary>Also writes the running minute, as far as it is recorded.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        _clock?.Dispose();
        _tally.End();
        await FlushAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _clock?.Dispose();
        base.Dispose();
    }

    /// <summary>Writes the minutes that have ended. When the write fails, they are written by the next flush.</summary>
    internal async Task FlushAsync(CancellationToken cancellationToken)
    {
        _tally.Touch(_time.GetUtcNow());
        var ended = _tally.Ended();
        if (ended.Count == 0)
        {
            return;
        }

        try
        {
            await _store.WriteAsync(_replica.Value, ended, cancellationToken);
            _tally.Remove(ended);
            _outage.Ends();
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception))
        {
            if (!cancellationToken.IsCancellationRequested && _outage.Begins(exception))
            {
                _logger.MinutesUnwritten(ended.Count, exception.Message);
            }
        }
    }

    /// <summary>Folds the minutes that no alert needs any more into hours, and deletes what the budget does not need.</summary>
    internal async Task FoldAsync(CancellationToken cancellationToken)
    {
        var (began, all) = (_time.GetUtcNow(), 0L);
        long folded;
        do
        {
            all += folded = await _store.FoldAsync(began - SliRetention.Minutes, began - SliRetention.Hours, cancellationToken);
        }
        while (folded > 0);

        if (all > 0)
        {
            BackgroundRound.Record("fold service level minutes", began, ("sendcat.rows.count", all));
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, _logger, _time).EveryAsync(Period, RoundAsync, stoppingToken);

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        if (_time.GetElapsedTime(_foldedAt) >= FoldInterval)
        {
            _foldedAt = _time.GetTimestamp();
            await TryFoldAsync(cancellationToken);
        }
    }

    private async Task TryFoldAsync(CancellationToken cancellationToken)
    {
        try
        {
            await FoldAsync(cancellationToken);
        }
        catch (Exception exception) when (PostgresFailure.Is(exception))
        {
            if (!_outages.Postgres.Records("Folding of service level minutes", exception))
            {
                _logger.MinutesNotFolded(exception.Message);
            }
        }
    }
}

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.Tables;

/// <summary>
/// Deletes what has expired in Postgres, at an interval and in batches, so that no statement holds many locks. A round that fails is
/// repeated by the next one; failures are logged once until a round succeeds.
/// </summary>
/// <param name="work">For logs, outages and spans: "Sweeping of turn costs".</param>
/// <param name="batchSize">Most rows of one batch; a smaller batch is the last one.</param>
public abstract class TableSweeper(
    string work, TimeSpan interval, int batchSize, TimeProvider time, StoreOutages outages, ILogger logger) : BackgroundService
{
    private readonly WorkOutage _outage = new(work, outages.Postgres, logger, time);

    /// <summary>One round.</summary>
    /// <returns>The number of deleted rows.</returns>
    /// <exception cref="Npgsql.NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var (began, all) = (time.GetUtcNow(), 0);
        await BeginAsync(began, cancellationToken);
        int deleted;
        do
        {
            all += deleted = await DeleteAsync(began, batchSize, cancellationToken);
        }
        while (deleted == batchSize);

        if (all > 0)
        {
            Swept(all);
            BackgroundRound.Record(work, began, ("sendcat.rows.deleted", all));
        }

        return all;
    }

    /// <summary>What precedes the batches of a round.</summary>
    /// <param name="now">When the round began.</param>
    protected virtual Task BeginAsync(DateTimeOffset now, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Deletes one batch.</summary>
    /// <returns>The number of deleted rows.</returns>
    protected abstract Task<int> DeleteAsync(DateTimeOffset now, int batchSize, CancellationToken cancellationToken);

    /// <summary>After a round that deleted something.</summary>
    protected virtual void Swept(int deleted)
    {
    }

    /// <summary>Whether the next round repeats what failed so.</summary>
    protected virtual bool IsExpected(Exception failure) => PostgresFailure.Is(failure);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(work, logger, time).EveryAsync(interval, TrySweepAsync, stoppingToken);

    private async Task TrySweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SweepAsync(cancellationToken);
            _outage.Ends();
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            if (_outage.Begins(failure))
            {
                logger.NotSwept(work, failure.GetType().Name);
            }
        }
    }
}

using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// Deletes old rows of the ledger of costs, which have addresses. The cost of a turn stays on the turn. Every replica runs it, once an
/// hour.
/// </summary>
internal sealed class TurnCostSweeper(NpgsqlDataSource database, TimeProvider time, StoreOutages outages, ILogger<TurnCostSweeper> logger)
    : BackgroundService
{
    /// <summary>Time after the end of a turn at which its rows are deleted: as the events of limits.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(7);

    private const string Work = "Sweeping of turn costs";
    private const int BatchSize = 5_000;

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);

    /// <returns>The number of deleted rows.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var (began, all) = (time.GetUtcNow(), 0);
        int deleted;
        do
        {
            await using var command = database.CreateCommand(CostStatements.Sweep);
            command.Parameters.Add(new() { Value = began - Retention });
            command.Parameters.Add(new() { Value = BatchSize });
            all += deleted = await command.ExecuteNonQueryAsync(cancellationToken);
        }
        while (deleted == BatchSize);

        if (all > 0)
        {
            BackgroundRound.Record("remove old turn costs", began, ("sendcat.turns.count", all));
        }

        return all;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, logger, time).EveryAsync(Interval, TrySweepAsync, stoppingToken);

    private async Task TrySweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SweepAsync(cancellationToken);
            _outage.Ends();
        }
        catch (Exception failure) when (PostgresFailure.Is(failure))
        {
            if (_outage.Begins(failure))
            {
                logger.CostsNotSwept(failure.GetType().Name);
            }
        }
    }
}

using Npgsql;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Tables;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// Deletes old rows of the ledger of costs, which have addresses. The cost of a turn stays on the turn. Every replica runs it, once an
/// hour.
/// </summary>
internal sealed class TurnCostSweeper(NpgsqlDataSource database, TimeProvider time, StoreOutages outages, ILogger<TurnCostSweeper> logger)
    : TableSweeper("Sweeping of turn costs", TimeSpan.FromHours(1), batchSize: 5_000, time, outages, logger)
{
    /// <summary>Time after the end of a turn at which its rows are deleted: as the events of limits.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(7);

    protected override async Task<int> DeleteAsync(DateTimeOffset now, int batchSize, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(CostStatements.Sweep);
        command.Parameters.Add(new() { Value = now - Retention });
        command.Parameters.Add(new() { Value = batchSize });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// Deletes turns whose answer was replaced more than <see cref="SessionStatements.ReplacedTurnAge"/> ago, and turns that failed without an
/// answer. The next turn that replaces an answer of the message deletes them, too. Every replica runs it, once an hour.
/// </summary>
internal sealed class ReplacedTurnSweeper(
    NpgsqlDataSource database, TimeProvider time, StoreOutages outages, ILogger<ReplacedTurnSweeper> logger) : BackgroundService
{
    /// <summary>
    /// Only turns that started within this time are looked at, so that a round does not read all turns. Older ones, at most some for each
    /// message, stay until another turn replaces the answer, or until their thread is deleted.
    /// </summary>
    public static readonly TimeSpan Window = TimeSpan.FromDays(7);

    private const string Work = "Sweeping of replaced turns";
    private const int BatchSize = 1_000;

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);

    /// <returns>The number of deleted turns.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var (began, all) = (time.GetUtcNow(), 0);
        var replacedBefore = began - SessionStatements.ReplacedTurnAge;
        int deleted;
        do
        {
            await using var command = database.CreateCommand(SessionStatements.Sweep);
            command.Parameters.Add(new() { Value = Guid.CreateVersion7(began - Window) });
            command.Parameters.Add(new() { Value = Guid.CreateVersion7(replacedBefore) });
            command.Parameters.Add(new() { Value = replacedBefore });
            command.Parameters.Add(new() { Value = BatchSize });
            all += deleted = await command.ExecuteNonQueryAsync(cancellationToken);
        }
        while (deleted == BatchSize);

        if (all > 0)
        {
            BackgroundRound.Record("remove replaced turns", began, ("sendcat.turns.count", all));
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
                logger.ReplacedTurnsNotSwept(failure.GetType().Name);
            }
        }
    }
}

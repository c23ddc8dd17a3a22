using Npgsql;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Tables;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// Deletes turns whose answer was replaced more than <see cref="SessionStatements.ReplacedTurnAge"/> ago, and turns that failed without an
/// answer. The next turn that replaces an answer of the message deletes them, too. Every replica runs it, once an hour.
/// </summary>
internal sealed class ReplacedTurnSweeper(
    NpgsqlDataSource database, TimeProvider time, StoreOutages outages, ILogger<ReplacedTurnSweeper> logger)
    : TableSweeper("Sweeping of replaced turns", TimeSpan.FromHours(1), batchSize: 1_000, time, outages, logger)
{
    /// <summary>
    /// Only turns that started within this time are looked at, so that a round does not read all turns. Older ones, at most some for each
    /// message, stay until another turn replaces the answer, or until their thread is deleted.
    /// </summary>
    public static readonly TimeSpan Window = TimeSpan.FromDays(7);

    protected override async Task<int> DeleteAsync(DateTimeOffset now, int batchSize, CancellationToken cancellationToken)
    {
        var replacedBefore = now - SessionStatements.ReplacedTurnAge;
        await using var command = database.CreateCommand(SessionStatements.Sweep);
        command.Parameters.Add(new() { Value = Guid.CreateVersion7(now - Window) });
        command.Parameters.Add(new() { Value = Guid.CreateVersion7(replacedBefore) });
        command.Parameters.Add(new() { Value = replacedBefore });
        command.Parameters.Add(new() { Value = batchSize });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

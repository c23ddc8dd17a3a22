using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.ToolJobs.Bulk;

/// <summary>
/// Carries out the changes of dead letters in steps. A step is one transaction, which also counts what it has done: a replica that dies
/// loses nothing, and another one goes on. A step requeues as many letters of each tool as <c>TOOL_JOB_REPLAY_PER_SEC</c> allows for the
/// next two seconds. The letters of a tool wait while the circuit of a provider that it needs is open; when the cooldown is over, one
/// letter of the tool goes first.
/// </summary>
public sealed class BulkRunner(
    LaneCatalog lanes, NpgsqlDataSource database, IOptionsMonitor<ToolJobOptions> options, LaneObstacles obstacles,
    OutboxPublisher publisher,
    TimeProvider time, StoreOutages outages, ILogger<BulkRunner> logger) : BackgroundService
{
    private const string Work = "Changing of dead letters";

    /// <summary>Most letters that one step discards.</summary>
    private const int DiscardStep = 1_000;

    private static readonly TimeSpan IdlePeriod = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StepPeriod = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan SettlePeriod = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RemovePeriod = TimeSpan.FromHours(1);

    /// <summary>Requeued jobs become due at most so far ahead, so that a circuit that opens stops a replay soon.</summary>
    private static readonly TimeSpan Horizon = TimeSpan.FromSeconds(2);

    private readonly AutoResetSignal _wake = new(time);
    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);
    private long? _settledAt;
    private long? _removedAt;

    /// <summary>A change was created.</summary>
    public void Signal() => _wake.Set();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, logger, time).RepeatAsync(RoundAsync, stoppingToken);

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        var stepped = false;
        try
        {
            stepped = await StepAsync(cancellationToken);
            if (IsDue(ref _settledAt, SettlePeriod))
            {
                await SettleAsync(cancellationToken);
            }

            if (IsDue(ref _removedAt, RemovePeriod))
            {
                await using var remove = database.CreateCommand(BulkSql.Remove);
                await remove.ExecuteNonQueryAsync(cancellationToken);
            }

            _outage.Ends();
        }
        catch (PostgresException exception) when (
            exception.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DeadlockDetected)
        {
            // A job with the cache slot of a letter was enqueued meanwhile, or other work changed the same letters. The step has changed
            // nothing, and the next one sees what was done.
            stepped = true;
        }
        catch (Exception exception) when (PostgresFailure.Is(exception))
        {
            if (_outage.Begins(exception))
            {
                logger.BulkInterrupted(exception.Message);
            }
        }

        if (stepped)
        {
            await Task.Delay(StepPeriod, time, cancellationToken);
        }
        else
        {
            await _wake.WaitAsync(IdlePeriod, cancellationToken);
        }
    }

    /// <summary>One step of each change that no other replica works on.</summary>
    /// <returns>Whether there was one.</returns>
    internal async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        var had = new List<Guid>();
        while (await StepOfNextAsync(had, cancellationToken) is { } id)
        {
            had.Add(id);
        }

        return had.Count > 0;
    }

    /// <summary>Counts what became of the requeued jobs.</summary>
    internal async Task SettleAsync(CancellationToken cancellationToken)
    {
        // In two statements: the second one sees the jobs of the steps that committed before the first one had its locks.
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var ids = new List<Guid>();
        await using (var active = new NpgsqlCommand(BulkSql.Active, connection))
        await using (var reader = await active.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                ids.Add(reader.GetGuid(0));
            }
        }

        if (ids.Count > 0)
        {
            await using var settle = new NpgsqlCommand(BulkSql.Settle, connection);
            settle.Parameters.Add(new() { Value = ids.ToArray() });
            await settle.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
    }

    private async Task<Guid?> StepOfNextAsync(IReadOnlyCollection<Guid> had, CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await NextAsync(connection, had, cancellationToken) is not { } next)
        {
            return null;
        }

        var (change, filter) = next;
        await using (var plan = new NpgsqlCommand(DeadLetterSql.PlanForFilter, connection))
        {
            await plan.ExecuteNonQueryAsync(cancellationToken);
        }

        var step = change.Action == BulkChange.Requeue
            ? await RequeueAsync(connection, change, filter, cancellationToken)
            : await DiscardAsync(connection, change, filter, cancellationToken);
        await AdvanceAsync(connection, change, step, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        foreach (var lane in step.Lanes)
        {
            publisher.Signal(lane);
        }

        if (step.Changed > 0)
        {
            BackgroundRound.Record(
                "change dead letters", began, ("sendcat.outcome", change.Action), ("sendcat.tool_jobs.count", step.Changed));
        }

        return change.Id;
    }

    private static async Task<(BulkChange Change, DeadLetterFilter Filter)?> NextAsync(
        NpgsqlConnection connection, IReadOnlyCollection<Guid> had, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(BulkSql.Next, connection);
        command.Parameters.Add(new() { Value = had.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (BulkChange.Read(reader), ReadFilter(reader)) : null;
    }

    private static DeadLetterFilter ReadFilter(NpgsqlDataReader reader)
    {
        const int First = BulkChange.ColumnCount;
        return new(
            Text(First), Text(First + 1), reader.IsDBNull(First + 2) ? null : reader.GetFieldValue<Guid[]>(First + 2),
            reader.GetFieldValue<DateTimeOffset>(First + 3))
        {
            Principal = Text(First + 4),
            ArgumentQuery = Text(First + 5),
            DiedAfter = reader.IsDBNull(First + 6) ? null : reader.GetFieldValue<DateTimeOffset>(First + 6),
        };

        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
    }

    private async Task<Step> RequeueAsync(
        NpgsqlConnection connection, BulkChange change, DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        var step = new Step();
        var spacing = TimeSpan.FromSeconds(1.0 / options.CurrentValue.ReplayPerSecond);

        // In the order in which all statements lock lanes.
        foreach (var lane in lanes.All.Where(lane => filter.Tool is null || filter.Tool == lane.Tool).OrderBy(lane => lane.Number))
        {
            var ofLane = filter with { Tool = lane.Tool };
            var obstacle = change.Force ? null : obstacles(lane);
            if (obstacle is { MayProbe: false })
            {
                step = await HasLettersAsync(connection, BulkSql.Left, change, ofLane, cancellationToken)
                    ? step with { WaitsFor = obstacle.Provider, IsLast = false } : step;
                continue;
            }

            await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Locks.Of(Locks.Entering, [lane]) } };
            var requeue = new NpgsqlBatchCommand(BulkSql.Requeue);
            (ofLane with { Limit = obstacle is null ? DeadLetterFilter.MaxLimit : 1 }).AddTo(requeue.Parameters);
            requeue.Parameters.Add(new() { Value = change.Id });
            requeue.Parameters.Add(new() { Value = spacing });
            requeue.Parameters.Add(new() { Value = Horizon });
            batch.BatchCommands.Add(requeue);
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            step = await step.PlusAsync(reader, lane, cancellationToken);
        }

        return step.IsLast && await HasLettersAsync(connection, BulkSql.LeftToOlder, change, filter, cancellationToken)
            ? step with { IsLast = false } : step;
    }

    private async Task<Step> DiscardAsync(
        NpgsqlConnection connection, BulkChange change, DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(BulkSql.Discard, connection);
        (filter with { Limit = DiscardStep }).AddTo(command.Parameters);
        command.Parameters.Add(new() { Value = change.Id });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(options.CurrentValue.TtlMs) });
        command.Parameters.Add(new() { Value = lanes.All.Where(lane => lane.ErasesArguments).Select(lane => lane.Tool).ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await new Step().PlusAsync(reader, null, cancellationToken);
    }

    private static async Task<bool> HasLettersAsync(
        NpgsqlConnection connection, string sql, BulkChange change, DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        filter.AddTo(command.Parameters);
        command.Parameters.Add(new() { Value = change.Id });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task AdvanceAsync(NpgsqlConnection connection, BulkChange change, Step step, CancellationToken cancellationToken)
    {
        if (step is { Changed: 0, Skipped: 0, IsLast: false } && step.WaitsFor == change.WaitsFor)
        {
            return;
        }

        await using var command = new NpgsqlCommand(BulkSql.Advance, connection);
        command.Parameters.Add(new() { Value = change.Id });
        command.Parameters.Add(new() { Value = step.Changed });
        command.Parameters.Add(new() { Value = step.Skipped });
        command.Parameters.Add(new() { Value = (object?)step.WaitsFor ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = !step.IsLast ? "running" : change.Action == BulkChange.Requeue ? "settling" : "done" });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private bool IsDue(ref long? last, TimeSpan period)
    {
        if (last is { } at && time.GetElapsedTime(at) < period)
        {
            return false;
        }

        last = time.GetTimestamp();
        return true;
    }

    /// <summary>What a step has done.</summary>
    private sealed record Step
    {
        public int Changed { get; private init; }

        public int Skipped { get; private init; }

        public string? WaitsFor { get; init; }

        /// <summary>No letter is left.</summary>
        public bool IsLast { get; init; } = true;

        /// <summary>The lanes that have new messages.</summary>
        public IReadOnlyList<ToolLane> Lanes { get; private init; } = [];

        /// <summary>Adds a row of (letters that could be taken, letters found, letters changed).</summary>
        public async Task<Step> PlusAsync(NpgsqlDataReader reader, ToolLane? lane, CancellationToken cancellationToken)
        {
            await reader.ReadAsync(cancellationToken);
            var (room, found, changed) = (reader.GetInt32(0), reader.GetInt32(1), reader.GetInt32(2));
            return this with
            {
                Changed = Changed + changed,
                Skipped = Skipped + found - changed,
                IsLast = IsLast && found < room,
                Lanes = lane is not null && changed > 0 ? [.. Lanes, lane] : Lanes,
            };
        }
    }
}

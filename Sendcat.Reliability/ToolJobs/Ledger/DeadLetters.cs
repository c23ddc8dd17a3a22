using System.Globalization;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Database;
using NpgsqlTypes;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>
/// The dead letters for operators: jobs that used all their attempts. They are listed by cause, replayed at a bounded rate, or
/// discarded.
/// </summary>
public sealed class DeadLetters(
    LaneCatalog lanes, RequestDatabase database, IOptionsMonitor<ToolJobOptions> options, OutboxPublisher publisher)
{
    /// <summary>Maximum number of unique-key conflicts with concurrently enqueued jobs that one replay retries.</summary>
    private const int MaxCollisions = 10;

    /// <summary>Dead letters by tool and error fingerprint, the largest group first.</summary>
    public async Task<IReadOnlyList<DeadLetterGroup>> GroupsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(DeadLetterSql.Groups);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var groups = new List<DeadLetterGroup>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            groups.Add(new(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetInt32(4),
                await reader.GetFieldValueAsync<DateTimeOffset>(5, CancellationToken.None),
                await reader.GetFieldValueAsync<DateTimeOffset>(6, CancellationToken.None)));
        }

        return groups;
    }

    /// <summary>How many dead letters match the filter, whatever its limit.</summary>
    public async Task<int> CountAsync(DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var batch = connection.CreateBatch();
        filter.AddTo(Planned(batch, DeadLetterSql.Count).Parameters);
        return (int)(await batch.ExecuteScalarAsync(CancellationToken.None))!;
    }

    /// <summary>The newest dead letters that match the filter.</summary>
    /// <param name="after">The last dead letter of the previous page; null: the first page.</param>
    public async Task<IReadOnlyList<DeadLetter>> ListAsync(
        DeadLetterFilter filter, (DateTimeOffset DiedAt, Guid Id)? after, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var batch = connection.CreateBatch();
        var command = Planned(batch, DeadLetterSql.List);
        filter.AddTo(command.Parameters);
        command.Parameters.Add(new() { Value = (object?)after?.DiedAt ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = (object?)after?.Id ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        var deadLetters = new List<DeadLetter>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            deadLetters.Add(new(
                reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetString(5),
                reader.GetInt32(6), reader.GetInt32(7), await reader.GetFieldValueAsync<DateTimeOffset>(8, CancellationToken.None),
                await reader.GetFieldValueAsync<DateTimeOffset>(9, CancellationToken.None), reader.GetString(10), reader.GetString(11)));
        }

        return deadLetters;
    }

    /// <summary>
    /// Requeues dead letters, the oldest first, each with its full number of attempts and with lower precedence than live jobs.
    /// <c>TOOL_JOB_REPLAY_PER_SEC</c> jobs of a tool become due per second, after the jobs of earlier replays. A dead letter stays one when
    /// its cache slot has a live job; of several with the same cache slot only the oldest is requeued.
    /// </summary>
    /// <param name="dryRun">True: only report what would change.</param>
    /// <param name="by">The operator and the reason. The same statement writes the audit row, except in a dry run.</param>
    public async Task<DeadLetterChange> RequeueAsync(DeadLetterFilter filter, bool dryRun, AuditedBy by,
        CancellationToken cancellationToken)
    {
        for (var collisions = 0; ; collisions++)
        {
            try
            {
                return await TryRequeueAsync(filter, dryRun, by, cancellationToken);
            }
            catch (PostgresException exception) when (
                exception.SqlState == PostgresErrorCodes.UniqueViolation && collisions < MaxCollisions)
            {
                // While caps are advisory, enqueueing takes no lock: a job with the same cache slot was enqueued after this statement had
                // checked. Nothing was changed; the next try sees that job.
            }
        }
    }

    private async Task<DeadLetterChange> TryRequeueAsync(DeadLetterFilter filter, bool dryRun, AuditedBy by,
        CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var batch = connection.CreateBatch();
        batch.BatchCommands.Add(Locks.Of(Locks.Entering, lanes.All));
        var requeue = Planned(batch, DeadLetterSql.Requeue);
        filter.AddTo(requeue.Parameters);
        requeue.Parameters.Add(new() { Value = dryRun });
        requeue.Parameters.Add(new() { Value = TimeSpan.FromSeconds(1.0 / options.CurrentValue.ReplayPerSecond) });
        requeue.Parameters.Add(new() { Value = by.Actor });
        requeue.Parameters.Add(new() { Value = filter.ToString() });
        requeue.Parameters.Add(by.ReasonParameter());
        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        await reader.NextResultAsync(CancellationToken.None);
        var change = await ReadAsync(reader, dryRun, cancellationToken);
        if (!dryRun)
        {
            foreach (var lane in lanes.All)
            {
                publisher.Signal(lane);
            }
        }

        return change;
    }

    /// <summary>Discards dead letters: they become cancelled jobs with the retention time of other finished jobs.</summary>
    /// <inheritdoc cref="RequeueAsync" path="/param[@name='dryRun']"/>
    /// <inheritdoc cref="RequeueAsync" path="/param[@name='by']"/>
    public async Task<DeadLetterChange> DiscardAsync(DeadLetterFilter filter, bool dryRun, AuditedBy by,
        CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var batch = connection.CreateBatch();
        var command = Planned(batch, DeadLetterSql.Discard);
        filter.AddTo(command.Parameters);
        command.Parameters.Add(new() { Value = dryRun });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(options.CurrentValue.TtlMs) });
        command.Parameters.Add(new() { Value = by.Actor });
        command.Parameters.Add(new() { Value = filter.ToString() });
        command.Parameters.Add(new() { Value = lanes.All.Where(lane => lane.ErasesArguments).Select(lane => lane.Tool).ToArray() });
        command.Parameters.Add(by.ReasonParameter());
        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        return await ReadAsync(reader, dryRun, cancellationToken);
    }

    /// <summary>Adds a statement with a filter, and before it the one that plans for the filter.</summary>
    internal static NpgsqlBatchCommand Planned(NpgsqlBatch batch, string sql)
    {
        var command = new NpgsqlBatchCommand(sql);
        batch.BatchCommands.Add(new(DeadLetterSql.PlanForFilter));
        batch.BatchCommands.Add(command);
        return command;
    }

    private static async Task<DeadLetterChange> ReadAsync(NpgsqlDataReader reader, bool dryRun, CancellationToken cancellationToken)
    {
        await reader.ReadAsync(CancellationToken.None);
        return new(
            dryRun, reader.GetInt32(0), await reader.GetFieldValueAsync<Guid[]>(1, CancellationToken.None), reader.GetInt32(2),
            await reader.IsDBNullAsync(3, CancellationToken.None)
                ? null
                : await reader.GetFieldValueAsync<DateTimeOffset>(3, CancellationToken.None));
    }
}

/// <summary>Selects dead letters. A null property matches all.</summary>
/// <param name="DiedBefore">UTC. Exclusive.</param>
/// <param name="Limit">1–10 000.</param>
public sealed record DeadLetterFilter(
    string? Tool = null, string? Fingerprint = null, IReadOnlyCollection<Guid>? Jobs = null, DateTimeOffset? DiedBefore = null,
    int Limit = 500)
{
    public const int MaxLimit = 10_000;

    /// <summary>UTC. Inclusive.</summary>
    public DateTimeOffset? DiedAfter { get; init; }

    public string? Principal { get; init; }

    /// <summary>Words that the arguments contain, or that words of theirs begin with. It has at least one letter or digit.</summary>
    public string? Arguments { get; init; }

    /// <summary>Nothing is selected by it.</summary>
    public bool MatchesAll => What.Length == 0;

    /// <summary>The text search query of a stored filter, instead of <see cref="Arguments"/>.</summary>
    internal string? ArgumentQuery { get; init; }

    /// <summary>A text for people, for example <c>tool=search_web limit=500</c>.</summary>
    public override string ToString() => $"{What} limit={Limit.ToString(CultureInfo.InvariantCulture)}".TrimStart();

    /// <summary>The same without the limit; empty when everything matches.</summary>
    internal string What => string.Join(' ', new[]
    {
        Tool is null ? null : $"tool={Tool}",
        Fingerprint is null ? null : $"fingerprint={Fingerprint}",
        Principal is null ? null : $"principal={Principal}",
        Arguments is null ? null : $"arguments={Arguments}",
        Jobs is null ? null : Jobs.Count == 1 ? $"job={Jobs.First():D}" : $"jobs={Jobs.Count.ToString(CultureInfo.InvariantCulture)}",
        DiedAfter is not { } since ? null : $"died-after={since.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)}",
        DiedBefore is not { } time ? null : $"died-before={time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)}",
    }.OfType<string>());

    /// <summary>Adds $1 to $8 of <see cref="DeadLetterSql"/>.</summary>
    internal void AddTo(NpgsqlParameterCollection parameters)
    {
        Add(Tool, NpgsqlDbType.Text);
        Add(Fingerprint, NpgsqlDbType.Text);
        Add(Jobs?.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Uuid);
        Add(DiedBefore, NpgsqlDbType.TimestampTz);
        Add(Principal, NpgsqlDbType.Text);
        Add(ArgumentQuery ?? (Arguments is null ? null : ArgumentWords.QueryOf(Arguments)), NpgsqlDbType.Text);
        Add(DiedAfter, NpgsqlDbType.TimestampTz);
        parameters.Add(new() { Value = Math.Clamp(Limit, 1, MaxLimit) });

        void Add(object? value, NpgsqlDbType type) => parameters.Add(new() { Value = value ?? DBNull.Value, NpgsqlDbType = type });
    }
}

/// <summary>Dead letters of one tool with one error fingerprint and one reason.</summary>
/// <param name="Reason"><c>attempts_exhausted</c>, <c>lease_expired</c> or <c>rejected</c>.</param>
/// <param name="Error">The error of the newest dead letter of the group.</param>
public sealed record DeadLetterGroup(
    string Tool, string Fingerprint, string Reason, string Error, int Count, DateTimeOffset First, DateTimeOffset Last);

/// <param name="History">A JSON array with one object for each failed attempt, over all replays.</param>
public sealed record DeadLetter(
    Guid Id, string Tool, string Arguments, string Reason, string Fingerprint, string Error, int Attempts, int ReplayCount,
    DateTimeOffset CreatedAt, DateTimeOffset DiedAt, string History, string Principal)
{
    /// <summary>Whether the last replay had a partial result; null: it was never requeued.</summary>
    public bool? LastReplayWasPartial => ReplayCount == 0 ? null : Reason == LeaseSql.PartialResult;
}

/// <summary>The result of a replay or of a discard.</summary>
/// <param name="Matched">Number of dead letters that match the filter.</param>
/// <param name="Jobs">The jobs that were changed. In a dry run: that would be changed.</param>
/// <param name="Skipped">Number of dead letters that were skipped because another job has the same cache slot.</param>
/// <param name="LastDueAt">The time at which the last job of the replay becomes due; null when none was requeued.</param>
public sealed record DeadLetterChange(bool DryRun, int Matched, IReadOnlyList<Guid> Jobs, int Skipped, DateTimeOffset? LastDueAt);

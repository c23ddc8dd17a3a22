using System.Globalization;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>Jobs that ran out of attempts, for operators: seen by cause, run again at a bounded rate, or discarded.</summary>
public sealed class DeadLetters(NpgsqlDataSource database, IOptionsMonitor<ToolJobOptions> options, OutboxPublisher publisher)
{
    /// <summary>Entries that come in the way of one replay.</summary>
    private const int MostCollisions = 10;

    /// <summary>Dead letters by tool and error fingerprint, the largest group first.</summary>
    public async Task<IReadOnlyList<DeadLetterGroup>> GroupsAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(DeadLetterSql.Groups);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var groups = new List<DeadLetterGroup>();
        while (await reader.ReadAsync(cancellationToken))
        {
            groups.Add(new(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetInt32(4), await reader.GetFieldValueAsync<DateTimeOffset>(5, cancellationToken),
                await reader.GetFieldValueAsync<DateTimeOffset>(6, cancellationToken)));
        }

        return groups;
    }

    /// <summary>The newest that the filter lets through.</summary>
    /// <param name="after">The last one that was seen.</param>
    public async Task<IReadOnlyList<DeadLetter>> ListAsync(DeadLetterFilter filter, (DateTimeOffset DiedAt, Guid Id)? after, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(DeadLetterSql.List);
        Add(command, filter);
        command.Parameters.Add(new() { Value = (object?)after?.DiedAt ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = (object?)after?.Id ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var letters = new List<DeadLetter>();
        while (await reader.ReadAsync(cancellationToken))
        {
            letters.Add(new(
                reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetString(5), reader.GetInt32(6), reader.GetInt32(7),
                await reader.GetFieldValueAsync<DateTimeOffset>(8, cancellationToken), await reader.GetFieldValueAsync<DateTimeOffset>(9, cancellationToken), reader.GetString(10)));
        }

        return letters;
    }

    /// <summary>
    /// Lets dead letters run again, the oldest first, each with all its attempts and behind live traffic: <c>TOOL_JOB_REPLAY_PER_SEC</c> of a tool become due per second, after those of
    /// earlier replays. One whose cache slot has a live job, or comes twice, stays dead.
    /// </summary>
    /// <param name="dryRun">Only say what would happen.</param>
    /// <param name="actor">Who asks; audited in the same statement, unless it is a dry run.</param>
    public async Task<DeadLetterChange> RequeueAsync(DeadLetterFilter filter, bool dryRun, string actor, CancellationToken cancellationToken)
    {
        for (var collisions = 0; ; collisions++)
        {
            try
            {
                return await TryRequeueAsync(filter, dryRun, actor, cancellationToken);
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.UniqueViolation && collisions < MostCollisions)
            {
                // While caps are advisory, entries take no lock: one has just entered the twin of a letter, which is seen now. Nothing was changed.
            }
        }
    }

    private async Task<DeadLetterChange> TryRequeueAsync(DeadLetterFilter filter, bool dryRun, string actor, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(Locks.Of(Locks.Entering, ToolLane.All));
        var requeue = new NpgsqlBatchCommand(DeadLetterSql.Requeue);
        Add(requeue.Parameters, filter);
        requeue.Parameters.Add(new() { Value = dryRun });
        requeue.Parameters.Add(new() { Value = TimeSpan.FromSeconds(1.0 / options.CurrentValue.ReplayPerSecond) });
        requeue.Parameters.Add(new() { Value = actor });
        requeue.Parameters.Add(new() { Value = filter.ToString() });
        batch.BatchCommands.Add(requeue);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var change = await ReadAsync(reader, dryRun, cancellationToken);
        if (!dryRun)
        {
            foreach (var lane in ToolLane.All)
            {
                publisher.Signal(lane);
            }
        }

        return change;
    }

    /// <summary>Gives dead letters up: they become cancelled jobs, kept as long as other finished ones.</summary>
    /// <inheritdoc cref="RequeueAsync" path="/param[@name='dryRun']"/>
    /// <inheritdoc cref="RequeueAsync" path="/param[@name='actor']"/>
    public async Task<DeadLetterChange> DiscardAsync(DeadLetterFilter filter, bool dryRun, string actor, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(DeadLetterSql.Discard);
        Add(command, filter);
        command.Parameters.Add(new() { Value = dryRun });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(options.CurrentValue.TtlMs) });
        command.Parameters.Add(new() { Value = actor });
        command.Parameters.Add(new() { Value = filter.ToString() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await ReadAsync(reader, dryRun, cancellationToken);
    }

    private static async Task<DeadLetterChange> ReadAsync(NpgsqlDataReader reader, bool dryRun, CancellationToken cancellationToken)
    {
        await reader.ReadAsync(cancellationToken);
        return new(
            dryRun, reader.GetInt32(0), await reader.GetFieldValueAsync<Guid[]>(1, cancellationToken), reader.GetInt32(2),
            await reader.IsDBNullAsync(3, cancellationToken) ? null : await reader.GetFieldValueAsync<DateTimeOffset>(3, cancellationToken));
    }

    private static void Add(NpgsqlCommand command, DeadLetterFilter filter) => Add(command.Parameters, filter);

    private static void Add(NpgsqlParameterCollection parameters, DeadLetterFilter filter)
    {
        parameters.Add(new() { Value = (object?)filter.Tool ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        parameters.Add(new() { Value = (object?)filter.Fingerprint ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        parameters.Add(new() { Value = (object?)filter.Jobs?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        parameters.Add(new() { Value = (object?)filter.DiedBefore ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        parameters.Add(new() { Value = Math.Clamp(filter.Limit, 1, DeadLetterFilter.MostAtOnce) });
    }
}

/// <summary>Which dead letters are meant; what is not said does not matter.</summary>
/// <param name="DiedBefore">UTC.</param>
/// <param name="Limit">1–10 000.</param>
public sealed record DeadLetterFilter(string? Tool = null, string? Fingerprint = null, IReadOnlyCollection<Guid>? Jobs = null, DateTimeOffset? DiedBefore = null, int Limit = 500)
{
    public const int MostAtOnce = 10_000;

    /// <summary>For people, for instance <c>tool=search_web limit=500</c>.</summary>
    public override string ToString() => string.Join(' ', new[]
    {
        Tool is null ? null : $"tool={Tool}",
        Fingerprint is null ? null : $"fingerprint={Fingerprint}",
        Jobs is null ? null : Jobs.Count == 1 ? $"job={Jobs.First():D}" : $"jobs={Jobs.Count.ToString(CultureInfo.InvariantCulture)}",
        DiedBefore is not { } time ? null : $"died-before={time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)}",
        $"limit={Limit.ToString(CultureInfo.InvariantCulture)}",
    }.OfType<string>());
}

/// <param name="Reason"><c>attempts_exhausted</c> or <c>lease_expired</c>.</param>
/// <param name="Error">That of the newest.</param>
public sealed record DeadLetterGroup(string Tool, string Fingerprint, string Reason, string Error, int Count, DateTimeOffset First, DateTimeOffset Last);

/// <param name="History">JSON: one object per attempt, over all replays.</param>
public sealed record DeadLetter(
    Guid Id, string Tool, string Arguments, string Reason, string Fingerprint, string Error, int Attempts, int ReplayCount, DateTimeOffset CreatedAt, DateTimeOffset DiedAt, string History);

/// <param name="Matched">Dead letters that the filter let through.</param>
/// <param name="Jobs">Those that were changed, or would be.</param>
/// <param name="Skipped">Those with a living twin.</param>
/// <param name="LastDueAt">When the last of a replay becomes due.</param>
public sealed record DeadLetterChange(bool DryRun, int Matched, IReadOnlyList<Guid> Jobs, int Skipped, DateTimeOffset? LastDueAt);

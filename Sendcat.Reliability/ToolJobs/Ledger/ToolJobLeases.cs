using System.Globalization;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>
/// The worker's operations on job rows. A worker claims jobs under the running limits and renews their leases. Only the worker whose
/// fencing token equals the token of the row, and whose lease has not expired, may write the end of a job. Concurrent ends are written by
/// one statement in one commit.
/// </summary>
public sealed class ToolJobLeases
{
    private const int MaxBatchSize = 256;

    private readonly LaneCatalog _lanes;
    private readonly NpgsqlDataSource _database;
    private readonly IOptionsMonitor<ToolJobOptions> _options;
    private readonly ToolJobSignals _signals;
    private const string PartialReplay = "A source failed: the result is partial.";

    private readonly string[] _erasing;
    private readonly GroupCommit<Completion, bool> _completions;
    private readonly GroupCommit<Failure, string?> _failures;

    public ToolJobLeases(LaneCatalog lanes, NpgsqlDataSource database, IOptionsMonitor<ToolJobOptions> options, ToolJobSignals signals)
    {
        (_lanes, _database, _options, _signals) = (lanes, database, options, signals);
        _erasing = [.. lanes.All.Where(lane => lane.ErasesArguments).Select(lane => lane.Tool)];
        _completions = new("commit completed jobs", CompleteAsync, MaxBatchSize);
        _failures = new("commit failed jobs", FailAsync, MaxBatchSize);
    }

    /// <summary>
    /// Claims up to <paramref name="maxJobs"/> due jobs of the lane in fair order. The running limits of the lane and of its class, over
    /// all workers, may allow fewer.
    /// </summary>
    /// <param name="owner">The name of the worker, for operators.</param>
    public Task<LeasedJobs> ClaimAsync(ToolLane lane, int maxJobs, string owner, CancellationToken cancellationToken) =>
        ClaimAsync(lane, TimeSpan.Zero, maxJobs, owner, cancellationToken);

    /// <summary>Whether jobs of the lane have been due for at least <paramref name="overdue"/>. Takes no lock.</summary>
    public async Task<bool> HasOverdueAsync(ToolLane lane, TimeSpan overdue, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(
            """
            -- find overdue tool jobs
            SELECT EXISTS (SELECT FROM reliability.tool_jobs
              WHERE tool = $1 AND status = 'queued' AND available_at <= statement_timestamp() - $2)
            """);
        command.Parameters.Add(new() { Value = lane.Tool });
        command.Parameters.Add(new() { Value = overdue });
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>The same without a message, for jobs that have been due for at least <paramref name="overdue"/>.</summary>
    /// <inheritdoc cref="ClaimAsync(ToolLane, int, string, CancellationToken)"/>
    public async Task<LeasedJobs> ClaimAsync(
        ToolLane lane, TimeSpan overdue, int maxJobs, string owner, CancellationToken cancellationToken)
    {
        var options = _options.CurrentValue;
        var limits = _lanes.LimitsOf(lane);
        await using var batch = _database.CreateBatch();
        batch.BatchCommands.Add(Locks.Of(Locks.Claiming, lane.Qos));
        batch.BatchCommands.Add(new(LeaseSql.Claim)
        {
            Parameters =
            {
                new() { Value = lane.Tool },
                new() { Value = lane.Qos.Name },
                new() { Value = limits.Running },
                new() { Value = limits.RunningInClass },
                new() { Value = maxJobs },
                new() { Value = owner },
                new() { Value = TimeSpan.FromMilliseconds(options.LeaseMs) },
                new() { Value = overdue },
            },
        });

        var jobs = new List<LeasedJob>(maxJobs);
        var due = 0;
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            due = reader.GetInt32(0);
            if (!await reader.IsDBNullAsync(1, cancellationToken))
            {
                jobs.Add(Read(reader, lane));
            }
        }

        return new(jobs, MoreDue: due > jobs.Count);
    }

    /// <summary>Renews the leases for their full duration, counted from now.</summary>
    /// <returns>
    /// The jobs whose lease is valid, each with whether it was renewed; it was not while another statement had locked its row. The other
    /// jobs were cancelled or taken over; the caller must stop their work.
    /// </returns>
    public async Task<IReadOnlyDictionary<Guid, bool>> RenewAsync(IReadOnlyCollection<JobLease> leases, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(LeaseSql.Renew);
        command.Parameters.Add(new() { Value = leases.Select(lease => lease.Id).ToArray() });
        command.Parameters.Add(new() { Value = leases.Select(lease => lease.Token).ToArray() });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(_options.CurrentValue.LeaseMs) });
        var valid = new Dictionary<Guid, bool>(leases.Count);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            valid[reader.GetGuid(0)] = reader.GetBoolean(1);
        }

        return valid;
    }

    /// <param name="isPartial">The result lacks a source that failed.</param>
    /// <returns>False: the lease had expired or belonged to another worker. Nothing was written.</returns>
    public Task<bool> CompleteAsync(JobLease lease, string result, bool isPartial = false) =>
        _completions.AddAsync(new(lease, result, isPartial));

    /// <summary>Requeues the job for another attempt after the retry delay, or ends it.</summary>
    /// <param name="error">Truncated to 600 characters. It must not contain secrets.</param>
    /// <param name="retryable">False: another attempt would fail in the same way. The job becomes <c>failed</c>, not a dead letter.</param>
    /// <returns>
    /// <c>queued</c>, <c>failed</c> or <c>dead_letter</c>; null: the lease had expired or belonged to another worker, and nothing was
    /// written.
    /// </returns>
    /// <param name="minimumDelay">The next attempt is not earlier; null: only the retry delay of the lane decides.</param>
    public Task<string?> FailAsync(JobLease lease, string error, bool retryable, TimeSpan? minimumDelay = null) =>
        _failures.AddAsync(new(lease, ErrorFingerprint.Truncate(error), retryable ? "retry" : "fail", minimumDelay));

    /// <summary>
    /// Makes the job a dead letter at once: another attempt would fail in the same way until an operator has removed the cause.
    /// </summary>
    /// <param name="error">Truncated to 600 characters. It must not contain secrets.</param>
    /// <returns><c>dead_letter</c>; null: the lease had expired or belonged to another worker, and nothing was written.</returns>
    public Task<string?> RejectAsync(JobLease lease, string error) =>
        _failures.AddAsync(new(lease, ErrorFingerprint.Truncate(error), "reject", null));

    /// <summary>Requeues unfinished jobs because this worker stops. The attempt does not count.</summary>
    /// <returns>The number of requeued jobs.</returns>
    public Task<int> ReturnAsync(IReadOnlyCollection<JobLease> leases, CancellationToken cancellationToken) =>
        ReturnAsync(leases, TimeSpan.Zero, cancellationToken);

    /// <summary>Requeues unfinished jobs, which become due after the delay. The attempt does not count.</summary>
    /// <returns>The number of requeued jobs.</returns>
    public async Task<int> ReturnAsync(IReadOnlyCollection<JobLease> leases, TimeSpan delay, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(LeaseSql.Return);
        command.Parameters.Add(new() { Value = leases.Select(lease => lease.Id).ToArray() });
        command.Parameters.Add(new() { Value = leases.Select(lease => lease.Token).ToArray() });
        command.Parameters.Add(new() { Value = delay });
        return (await IdsAsync(command, cancellationToken)).Count;
    }

    private async Task<IReadOnlyList<bool>> CompleteAsync(IReadOnlyList<Completion> completions)
    {
        await using var command = _database.CreateCommand(LeaseSql.Complete);
        command.Parameters.Add(new() { Value = completions.Select(it => it.Lease.Id).ToArray() });
        command.Parameters.Add(new() { Value = completions.Select(it => it.Lease.Token).ToArray() });
        command.Parameters.Add(new() { Value = completions.Select(it => it.Result).ToArray() });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(_options.CurrentValue.TtlMs) });
        command.Parameters.Add(new() { Value = _erasing });
        command.Parameters.Add(new() { Value = completions.Select(it => it.IsPartial).ToArray() });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(_options.CurrentValue.DeadLetterTtlMs) });
        command.Parameters.Add(new() { Value = PartialReplay });
        command.Parameters.Add(new() { Value = ErrorFingerprint.Of(PartialReplay) });
        var completed = await IdsAsync(command, CancellationToken.None);
        _signals.Finished(completions.Where(it => completed.Contains(it.Lease.Id)).Select(it => (it.Lease.Lane, it.Lease.Id)));
        return completions.Select(it => completed.Contains(it.Lease.Id)).ToArray();
    }

    private async Task<IReadOnlyList<string?>> FailAsync(IReadOnlyList<Failure> failures)
    {
        var options = _options.CurrentValue;
        await using var command = _database.CreateCommand(LeaseSql.Fail);
        command.Parameters.Add(new() { Value = failures.Select(it => it.Lease.Id).ToArray() });
        command.Parameters.Add(new() { Value = failures.Select(it => it.Lease.Token).ToArray() });
        command.Parameters.Add(new() { Value = failures.Select(it => it.Error).ToArray() });
        command.Parameters.Add(new() { Value = failures.Select(it => ErrorFingerprint.Of(it.Error)).ToArray() });
        command.Parameters.Add(new() { Value = failures.Select(it => it.Next).ToArray() });
        command.Parameters.Add(new()
        {
            Value = failures.Select(DelayOf).ToArray(),
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Interval,
        });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(options.TtlMs) });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(options.DeadLetterTtlMs) });
        command.Parameters.Add(new() { Value = _erasing });

        var ends = new Dictionary<Guid, string>();
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                ends[reader.GetGuid(0)] = reader.GetString(1);
            }
        }

        _signals.Finished(
            failures.Where(it => ends.TryGetValue(it.Lease.Id, out var end) && end != "queued").Select(it => (it.Lease.Lane, it.Lease.Id)));
        return failures.Select(it => ends.GetValueOrDefault(it.Lease.Id)).ToArray();
    }

    private TimeSpan DelayOf(Failure failure)
    {
        var delay = _lanes.RetryDelayOf(failure.Lease.Lane, failure.Lease.Attempt, Random.Shared.NextDouble());
        return failure.MinimumDelay > delay ? failure.MinimumDelay.Value : delay;
    }

    private static async Task<HashSet<Guid>> IdsAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var ids = new HashSet<Guid>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            ids.Add(reader.GetGuid(0));
        }

        return ids;
    }

    private static LeasedJob Read(NpgsqlDataReader reader, ToolLane lane) =>
        new(
            new(lane, reader.GetGuid(1), reader.GetInt64(2), reader.GetInt32(3)),
            reader.GetString(4),
            reader.GetString(5),
            reader.IsDBNull(6) || reader.IsDBNull(7) ? null : new(reader.GetString(6), reader.GetString(7)),
            new(reader.IsDBNull(8) ? null : reader.GetString(8), reader.IsDBNull(9) ? null : reader.GetString(9)),
            reader.GetTimeSpan(10),
            reader.GetTimeSpan(11));

    private sealed record Completion(JobLease Lease, string Result, bool IsPartial);

    private sealed record Failure(JobLease Lease, string Error, string Next, TimeSpan? MinimumDelay);
}

/// <summary>The lease of one job: its holder may write the end of the job.</summary>
/// <param name="Token">The fencing token. Each claim increments it; a row with another token belongs to another worker.</param>
/// <param name="Attempt">The number of the attempt, from 1.</param>
public sealed record JobLease(ToolLane Lane, Guid Id, long Token, int Attempt)
{
    /// <summary>Names this run of the job, for the leases that it takes in Redis.</summary>
    public string Run => RunOf(Id, Token);

    internal static string RunOf(Guid id, long token) => string.Create(CultureInfo.InvariantCulture, $"job:{id:N}:{token}");
}

/// <summary>A claimed job.</summary>
/// <param name="Waited">Time from due to claimed.</param>
/// <param name="LeaseDuration">Duration of the lease, counted from the claim.</param>
public sealed record LeasedJob(
    JobLease Lease, string Principal, string Arguments, ToolJobCacheSlot? Cache, TraceContext Trace, TimeSpan Waited,
    TimeSpan LeaseDuration);

/// <summary>The result of one claim statement.</summary>
/// <param name="MoreDue">More jobs of the lane are due: a running limit excluded them, or more were due than requested.</param>
public sealed record LeasedJobs(IReadOnlyList<LeasedJob> Jobs, bool MoreDue);

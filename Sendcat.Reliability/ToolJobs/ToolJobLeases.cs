using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// The working side of the record: jobs are claimed under caps, their leases renewed, and their ends written only by the worker whose token is still the row's and
/// whose lease has not run out. Ends that come together are one statement and one commit.
/// </summary>
public sealed class ToolJobLeases
{
    private const int MostTogether = 256;

    private readonly NpgsqlDataSource _database;
    private readonly IOptionsMonitor<ToolJobOptions> _options;
    private readonly ToolJobSignals _signals;
    private readonly GroupCommit<Completion, bool> _completions;
    private readonly GroupCommit<Failure, string?> _failures;

    public ToolJobLeases(NpgsqlDataSource database, IOptionsMonitor<ToolJobOptions> options, ToolJobSignals signals)
    {
        (_database, _options, _signals) = (database, options, signals);
        _completions = new("commit completed jobs", CompleteAsync, MostTogether);
        _failures = new("commit failed jobs", FailAsync, MostTogether);
    }

    /// <summary>Takes up to <paramref name="most"/> due jobs of the lane, the fairest first, as far as the lane's and its class's running caps leave room over all workers.</summary>
    /// <param name="owner">Who takes them, for operators.</param>
    public async Task<LeasedJobs> ClaimAsync(ToolLane lane, int most, string owner, CancellationToken cancellationToken)
    {
        var options = _options.CurrentValue;
        var limits = LaneLimits.Of(lane, options);
        await using var batch = _database.CreateBatch();
        batch.BatchCommands.Add(Locks.Of(Locks.Claiming, lane.Qos));
        batch.BatchCommands.Add(new(LeaseSql.Claim)
        {
            Parameters =
            {
                new() { Value = lane.Tool },
                new() { Value = lane.QosName },
                new() { Value = limits.Running },
                new() { Value = limits.RunningInClass },
                new() { Value = most },
                new() { Value = owner },
                new() { Value = TimeSpan.FromMilliseconds(options.LeaseMs) },
            },
        });

        var jobs = new List<LeasedJob>(most);
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

    /// <summary>Gives the leases another full time.</summary>
    /// <returns>The jobs that are still ours; the others were cancelled or taken over, and their work is to be dropped.</returns>
    public async Task<IReadOnlySet<Guid>> RenewAsync(IReadOnlyCollection<JobLease> claims, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(LeaseSql.Renew);
        command.Parameters.Add(new() { Value = claims.Select(claim => claim.Id).ToArray() });
        command.Parameters.Add(new() { Value = claims.Select(claim => claim.Token).ToArray() });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(_options.CurrentValue.LeaseMs) });
        return await IdsAsync(command, cancellationToken);
    }

    /// <returns>False: the lease was gone; nothing was written.</returns>
    public Task<bool> CompleteAsync(JobLease claim, string result) => _completions.AddAsync(new(claim, result));

    /// <summary>Puts the job back for another attempt after the back-off, or ends it.</summary>
    /// <param name="error">Cut to 600 characters. No secrets.</param>
    /// <param name="retryable">False: another attempt would fail the same way; the job becomes <c>failed</c>, not a dead letter.</param>
    /// <returns><c>queued</c>, <c>failed</c> or <c>dead_letter</c>; null: the lease was gone, nothing was written.</returns>
    public Task<string?> FailAsync(JobLease claim, string error, bool retryable) => _failures.AddAsync(new(claim, ErrorFingerprint.Cut(error), retryable));

    /// <summary>Returns jobs that were not worked on to the end because this worker stops; the attempt does not count.</summary>
    public async Task<int> ReturnAsync(IReadOnlyCollection<JobLease> claims, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(LeaseSql.HandBack);
        command.Parameters.Add(new() { Value = claims.Select(claim => claim.Id).ToArray() });
        command.Parameters.Add(new() { Value = claims.Select(claim => claim.Token).ToArray() });
        return (await IdsAsync(command, cancellationToken)).Count;
    }

    private async Task<IReadOnlyList<bool>> CompleteAsync(IReadOnlyList<Completion> completions)
    {
        await using var command = _database.CreateCommand(LeaseSql.Complete);
        command.Parameters.Add(new() { Value = completions.Select(it => it.Claim.Id).ToArray() });
        command.Parameters.Add(new() { Value = completions.Select(it => it.Claim.Token).ToArray() });
        command.Parameters.Add(new() { Value = completions.Select(it => it.Result).ToArray() });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(_options.CurrentValue.TtlMs) });
        var completed = await IdsAsync(command, CancellationToken.None);
        _signals.Finished(completions.Where(it => completed.Contains(it.Claim.Id)).Select(it => (it.Claim.Lane, it.Claim.Id)));
        return completions.Select(it => completed.Contains(it.Claim.Id)).ToArray();
    }

    private async Task<IReadOnlyList<string?>> FailAsync(IReadOnlyList<Failure> failures)
    {
        var options = _options.CurrentValue;
        var first = TimeSpan.FromMilliseconds(options.RetryBaseMs);
        await using var command = _database.CreateCommand(LeaseSql.Fail);
        command.Parameters.Add(new() { Value = failures.Select(it => it.Claim.Id).ToArray() });
        command.Parameters.Add(new() { Value = failures.Select(it => it.Claim.Token).ToArray() });
        command.Parameters.Add(new() { Value = failures.Select(it => it.Error).ToArray() });
        command.Parameters.Add(new() { Value = failures.Select(it => ErrorFingerprint.Of(it.Error)).ToArray() });
        command.Parameters.Add(new() { Value = failures.Select(it => it.Retryable).ToArray() });
        command.Parameters.Add(new() { Value = failures.Select(it => RetryBackoff.After(it.Claim.Attempt, first, Random.Shared.NextDouble())).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Interval });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(options.TtlMs) });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(options.DeadLetterTtlMs) });

        var ends = new Dictionary<Guid, string>();
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                ends[reader.GetGuid(0)] = reader.GetString(1);
            }
        }

        _signals.Finished(failures.Where(it => ends.TryGetValue(it.Claim.Id, out var end) && end != "queued").Select(it => (it.Claim.Lane, it.Claim.Id)));
        return failures.Select(it => ends.GetValueOrDefault(it.Claim.Id)).ToArray();
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

    private sealed record Completion(JobLease Claim, string Result);

    private sealed record Failure(JobLease Claim, string Error, bool Retryable);
}

/// <summary>A worker's right to write a job's end.</summary>
/// <param name="Token">Rises with each claim; a row with another one is no longer ours.</param>
/// <param name="Attempt">1 for the first.</param>
public sealed record JobLease(ToolLane Lane, Guid Id, long Token, int Attempt);

/// <param name="Waited">From due to claimed.</param>
/// <param name="Lease">Counted from the claim; renew before.</param>
public sealed record LeasedJob(JobLease Claim, string Principal, string Arguments, ToolJobCacheSlot? Cache, TraceContext Trace, TimeSpan Waited, TimeSpan Lease);

/// <param name="MoreDue">Further jobs of the lane are due: a cap kept them, or there were more than asked for.</param>
public sealed record LeasedJobs(IReadOnlyList<LeasedJob> Jobs, bool MoreDue);

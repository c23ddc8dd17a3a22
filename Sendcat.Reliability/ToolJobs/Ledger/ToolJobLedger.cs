using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>
/// The operations of turns on job rows: enqueue a job together with its outbox row, read its end, and leave it. Concurrent calls are
/// executed by one statement in one commit.
/// </summary>
public sealed class ToolJobLedger
{
    /// <summary>
    /// Each queued or running job of a principal moves the next job of that principal back by this time in the fair order. Many jobs of one
    /// principal therefore wait behind the jobs of others, and no job waits for ever.
    /// </summary>
    internal static readonly TimeSpan FairnessStep = TimeSpan.FromSeconds(1);

    private const int MaxBatchSize = 256;

    private readonly LaneCatalog _lanes;
    private readonly RequestDatabase _database;
    private readonly IOptionsMonitor<ToolJobOptions> _options;
    private readonly IOptionsMonitor<ChatGatewayOptions> _flags;
    private readonly ToolJobMetrics _metrics;
    private readonly GroupCommit<EnqueueRequest, EnteredJob> _enqueues;
    private readonly GroupCommit<LeaveRequest, LeftJob> _leaves;

    public ToolJobLedger(
        LaneCatalog lanes, RequestDatabase database, IOptionsMonitor<ToolJobOptions> options, IOptionsMonitor<ChatGatewayOptions> flags,
        ToolJobMetrics metrics)
    {
        (_lanes, _database, _options, _flags, _metrics) = (lanes, database, options, flags, metrics);
        _enqueues = new("commit entered jobs", EnterAsync, MaxBatchSize);
        _leaves = new("commit left jobs", LeaveAsync, MaxBatchSize);
    }

    /// <summary>
    /// Enqueues a job, or joins the live job of the same cache slot. A new job and a joined replay that was not yet due are due at once.
    /// New jobs are refused when the lane is full or the principal has its share of the lane, provided that <c>FF_TOOL_QUEUE_ENFORCE</c> is
    /// on; otherwise the job is enqueued and counted as one that would have been refused. A join is never refused.
    /// </summary>
    /// <exception cref="NpgsqlException">
    /// The database is unavailable. Either nothing was enqueued, or a job was enqueued for which no turn waits.
    /// </exception>
    public async Task<EnteredJob> EnterAsync(Guid id, ToolJobRequest request, TraceContext trace)
    {
        var entered = await _enqueues.AddAsync(
            new(id, request, RetryBackoff.Attempts(request.MaxAttempts, _options.CurrentValue.MaxAttempts), trace));
        _metrics.Entered(request.Lane, entered);
        return entered;
    }

    /// <summary>Removes one waiting turn from the job.</summary>
    /// <param name="abandon">
    /// True: the turn was aborted. The job is cancelled when no other turn waits for it and it is not a replay.
    /// </param>
    public Task<LeftJob> LeaveAsync(Guid job, bool abandon) => _leaves.AddAsync(new(job, abandon));

    /// <summary>Reads those of the jobs that have finished.</summary>
    public async Task<IReadOnlyList<FinishedJob>> ReadFinishedAsync(IReadOnlyCollection<Guid> jobs, CancellationToken cancellationToken)
    {
        await using var connection = await _database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- read finished tool jobs
            SELECT id, status, result, last_error FROM reliability.tool_jobs
            WHERE id = ANY($1) AND status IN ('completed', 'failed', 'dead_letter', 'cancelled')
            """);
        command.Parameters.Add(new() { Value = jobs.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var finished = new List<FinishedJob>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            finished.Add(new(reader.GetGuid(0), reader.GetString(1), await TextAsync(reader, 2), await TextAsync(reader, 3)));
        }

        return finished;
    }

    private async Task<IReadOnlyList<EnteredJob>> EnterAsync(IReadOnlyList<EnqueueRequest> requests)
    {
        var enforce = _flags.CurrentValue.ToolQueueEnforce;
        var groups = requests.GroupBy(
            request => request.Job.Cache is { } slot ? (object)slot : request.Id).Select(group => group.ToArray()).ToArray();
        var firstRequests = Array.ConvertAll(groups, group => group[0]);
        var lanes = firstRequests.Select(request => request.Job.Lane).Distinct().OrderBy(lane => lane.Number).ToArray();

        await using var connection = await _database.OpenAsync(CancellationToken.None);
        await using var batch = connection.CreateBatch();
        if (enforce)
        {
            // One replica at a time counts the depth and inserts jobs, so that the cap is exact.
            batch.BatchCommands.Add(Locks.Of(Locks.Entering, lanes));
        }

        batch.BatchCommands.Add(new(EntrySql.Enter)
        {
            Parameters =
            {
                new() { Value = Array.ConvertAll(firstRequests, request => request.Id) },
                new() { Value = Array.ConvertAll(firstRequests, request => request.Job.Lane.Tool) },
                new() { Value = Array.ConvertAll(firstRequests, request => request.Job.Lane.Qos.Name) },
                new() { Value = Array.ConvertAll(firstRequests, request => request.Job.Principal) },
                new() { Value = Array.ConvertAll(firstRequests, request => request.Job.Arguments) },
                new()
                {
                    Value = Array.ConvertAll(firstRequests, request => request.Job.Cache?.Namespace),
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                },
                new()
                {
                    Value = Array.ConvertAll(firstRequests, request => request.Job.Cache?.Key),
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                },
                new() { Value = Array.ConvertAll(groups, group => group.Length) },
                new() { Value = Array.ConvertAll(firstRequests, request => request.MaxAttempts) },
                new()
                {
                    Value = Array.ConvertAll(firstRequests, request => request.Trace.Parent),
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                },
                new()
                {
                    Value = Array.ConvertAll(firstRequests, request => request.Trace.State),
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                },
                new() { Value = Array.ConvertAll(lanes, lane => lane.Tool) },
                new() { Value = Array.ConvertAll(lanes, lane => _lanes.LimitsOf(lane).Queued ?? int.MaxValue) },
                new() { Value = Array.ConvertAll(lanes, lane => _lanes.LimitsOf(lane).PerPrincipal ?? int.MaxValue) },
                new() { Value = enforce },
                new() { Value = FairnessStep },
                new() { Value = RetryBackoff.MaxDelay },
            },
        });

        var entered = new EnteredJob[groups.Length];
        await using (var reader = await batch.ExecuteReaderAsync())
        {
            if (enforce)
            {
                await reader.NextResultAsync();
            }

            while (await reader.ReadAsync())
            {
                entered[(int)reader.GetInt64(0) - 1] = new(
                    await reader.IsDBNullAsync(1) ? null : reader.GetGuid(1),
                    Joined: !await reader.IsDBNullAsync(2) && !reader.GetBoolean(2),
                    OverCap: reader.GetBoolean(3),
                    Announced: !await reader.IsDBNullAsync(4) && reader.GetBoolean(4));
            }
        }

        var results = new Dictionary<EnqueueRequest, EnteredJob>(requests.Count, ReferenceEqualityComparer.Instance);
        for (var i = 0; i < groups.Length; i++)
        {
            foreach (var request in groups[i])
            {
                results[request] = ReferenceEquals(request, groups[i][0])
                    ? entered[i]
                    : entered[i] with { Joined = entered[i].Id is not null };
            }
        }

        return requests.Select(request => results[request]).ToArray();
    }

    private async Task<IReadOnlyList<LeftJob>> LeaveAsync(IReadOnlyList<LeaveRequest> requests)
    {
        await using var connection = await _database.OpenAsync(CancellationToken.None);
        await using var command = connection.CreateCommand(EntrySql.Leave);
        command.Parameters.Add(new() { Value = requests.Select(request => request.Job).ToArray() });
        command.Parameters.Add(new() { Value = requests.Select(request => request.Abandon).ToArray() });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(_options.CurrentValue.TtlMs) });
        var cancelled = new Dictionary<Guid, bool>();
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                cancelled[reader.GetGuid(0)] = reader.GetBoolean(1);
            }
        }

        return requests.Select(request => new LeftJob(cancelled.ContainsKey(request.Job), cancelled.GetValueOrDefault(request.Job)))
            .ToArray();
    }

    private static async Task<string?> TextAsync(NpgsqlDataReader reader, int column) =>
        await reader.IsDBNullAsync(column) ? null : reader.GetString(column);

    private sealed record EnqueueRequest(Guid Id, ToolJobRequest Job, int MaxAttempts, TraceContext Trace);

    private sealed record LeaveRequest(Guid Job, bool Abandon);
}

/// <summary>The result of enqueueing a job.</summary>
/// <param name="Id">
/// The job that was enqueued or joined. Null: refused, because the lane is full or the principal has its share of it.
/// </param>
/// <param name="Joined">The job existed already.</param>
/// <param name="OverCap">The request was over the cap. While the cap is advisory, the job is enqueued all the same.</param>
/// <param name="Announced">The statement inserted an outbox row for the job that is due now.</param>
public sealed record EnteredJob(Guid? Id, bool Joined, bool OverCap, bool Announced);

/// <summary>The result of leaving a job.</summary>
/// <param name="Cancelled">The job was cancelled, because no turn waited for it any more.</param>
/// <param name="WasRunning">A worker was running the job and must be signalled.</param>
public sealed record LeftJob(bool Cancelled, bool WasRunning);

/// <summary>The end of a job.</summary>
/// <param name="Status"><c>completed</c>, <c>failed</c>, <c>dead_letter</c> or <c>cancelled</c>.</param>
public sealed record FinishedJob(Guid Id, string Status, string? Result, string? Error);

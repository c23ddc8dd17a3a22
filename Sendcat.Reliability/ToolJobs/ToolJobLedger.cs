using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// The asking side of the record: jobs are entered with their outbox rows, watched and left. Entries that come together are one statement and one commit.
/// </summary>
public sealed class ToolJobLedger
{
    /// <summary>How far behind the newest job each job that its principal has in the lane already puts another one: a flood waits, and nothing waits for ever.</summary>
    internal static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);

    private const int MostTogether = 256;

    private readonly NpgsqlDataSource _database;
    private readonly IOptionsMonitor<ToolJobOptions> _options;
    private readonly IOptionsMonitor<ChatGatewayOptions> _flags;
    private readonly ToolJobMetrics _metrics;
    private readonly GroupCommit<Ask, EnteredJob> _asks;
    private readonly GroupCommit<Leaving, LeftJob> _leavings;

    public ToolJobLedger(NpgsqlDataSource database, IOptionsMonitor<ToolJobOptions> options, IOptionsMonitor<ChatGatewayOptions> flags, ToolJobMetrics metrics)
    {
        (_database, _options, _flags, _metrics) = (database, options, flags, metrics);
        _asks = new("commit entered jobs", EnterAsync, MostTogether);
        _leavings = new("commit left jobs", LeaveAsync, MostTogether);
    }

    /// <summary>
    /// Enters a job, or joins the live one of the same cache slot; its message is due at once, also that of a replay whose time has not come. A lane that is full, or in which the
    /// principal has his share, refuses new jobs (when <c>FF_TOOL_QUEUE_ENFORCE</c>; otherwise the job is entered and counted as one that would have been refused), never joins.
    /// </summary>
    /// <exception cref="NpgsqlException">The database is away; nothing was entered, or it was and nobody waits for it.</exception>
    public async Task<EnteredJob> EnterAsync(Guid id, ToolJobRequest request, TraceContext trace)
    {
        var entered = await _asks.AddAsync(new(id, request, RetryBackoff.Attempts(request.MaxAttempts, _options.CurrentValue.MaxAttempts), trace));
        _metrics.Entered(request.Lane, entered);
        return entered;
    }

    /// <summary>One waiter less.</summary>
    /// <param name="abandon">The turn was aborted: a job that nobody else waits for and no operator replays is cancelled.</param>
    public Task<LeftJob> LeaveAsync(Guid job, bool abandon) => _leavings.AddAsync(new(job, abandon));

    /// <summary>Those of the jobs that are over.</summary>
    public async Task<IReadOnlyList<FinishedJob>> ReadFinishedAsync(IReadOnlyCollection<Guid> jobs, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(
            """
            -- read finished tool jobs
            SELECT id, status, result, last_error FROM reliability.tool_jobs
            WHERE id = ANY($1) AND status IN ('completed', 'failed', 'dead_letter', 'cancelled')
            """);
        command.Parameters.Add(new() { Value = jobs.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var finished = new List<FinishedJob>();
        while (await reader.ReadAsync(cancellationToken))
        {
            finished.Add(new(reader.GetGuid(0), reader.GetString(1), await TextAsync(reader, 2, cancellationToken), await TextAsync(reader, 3, cancellationToken)));
        }

        return finished;
    }

    private async Task<IReadOnlyList<EnteredJob>> EnterAsync(IReadOnlyList<Ask> asks)
    {
        var (options, enforce) = (_options.CurrentValue, _flags.CurrentValue.ToolQueueEnforce);
        var groups = asks.GroupBy(ask => ask.Request.Cache is { } slot ? (object)slot : ask.Id).Select(group => group.ToArray()).ToArray();
        var firsts = Array.ConvertAll(groups, group => group[0]);
        var lanes = firsts.Select(ask => ask.Request.Lane).Distinct().OrderBy(lane => lane.Number).ToArray();

        await using var batch = _database.CreateBatch();
        if (enforce)
        {
            // Depths are counted and jobs added by one replica at a time, so that a cap is a cap.
            batch.BatchCommands.Add(Locks.Of(Locks.Entering, lanes));
        }

        batch.BatchCommands.Add(new(EntrySql.Enter)
        {
            Parameters =
            {
                new() { Value = Array.ConvertAll(firsts, ask => ask.Id) },
                new() { Value = Array.ConvertAll(firsts, ask => ask.Request.Lane.Tool) },
                new() { Value = Array.ConvertAll(firsts, ask => ask.Request.Lane.QosName) },
                new() { Value = Array.ConvertAll(firsts, ask => ask.Request.Principal) },
                new() { Value = Array.ConvertAll(firsts, ask => ask.Request.Arguments) },
                new() { Value = Array.ConvertAll(firsts, ask => ask.Request.Cache?.Namespace), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = Array.ConvertAll(firsts, ask => ask.Request.Cache?.Key), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = Array.ConvertAll(groups, group => group.Length) },
                new() { Value = Array.ConvertAll(firsts, ask => ask.MaxAttempts) },
                new() { Value = Array.ConvertAll(firsts, ask => ask.Trace.Parent), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = Array.ConvertAll(firsts, ask => ask.Trace.State), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = Array.ConvertAll(lanes, lane => lane.Tool) },
                new() { Value = Array.ConvertAll(lanes, lane => LaneLimits.Of(lane, options).Queued) },
                new() { Value = Array.ConvertAll(lanes, lane => LaneLimits.Of(lane, options).OfPrincipal) },
                new() { Value = enforce },
                new() { Value = Turn },
                new() { Value = RetryBackoff.Most },
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

        var answers = new Dictionary<Ask, EnteredJob>(asks.Count, ReferenceEqualityComparer.Instance);
        for (var i = 0; i < groups.Length; i++)
        {
            foreach (var ask in groups[i])
            {
                answers[ask] = ReferenceEquals(ask, groups[i][0]) ? entered[i] : entered[i] with { Joined = entered[i].Id is not null };
            }
        }

        return asks.Select(ask => answers[ask]).ToArray();
    }

    private async Task<IReadOnlyList<LeftJob>> LeaveAsync(IReadOnlyList<Leaving> leavings)
    {
        await using var command = _database.CreateCommand(EntrySql.Leave);
        command.Parameters.Add(new() { Value = leavings.Select(leaving => leaving.Job).ToArray() });
        command.Parameters.Add(new() { Value = leavings.Select(leaving => leaving.Abandon).ToArray() });
        command.Parameters.Add(new() { Value = TimeSpan.FromMilliseconds(_options.CurrentValue.TtlMs) });
        var cancelled = new Dictionary<Guid, bool>();
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                cancelled[reader.GetGuid(0)] = reader.GetBoolean(1);
            }
        }

        return leavings.Select(leaving => new LeftJob(cancelled.ContainsKey(leaving.Job), cancelled.GetValueOrDefault(leaving.Job))).ToArray();
    }

    private static async Task<string?> TextAsync(NpgsqlDataReader reader, int column, CancellationToken cancellationToken) =>
        await reader.IsDBNullAsync(column, cancellationToken) ? null : reader.GetString(column);

    private sealed record Ask(Guid Id, ToolJobRequest Request, int MaxAttempts, TraceContext Trace);

    private sealed record Leaving(Guid Job, bool Abandon);
}

/// <param name="Id">The job that was entered or joined; null: refused, the lane is full, or has its principal's share.</param>
/// <param name="Joined">The job was there already.</param>
/// <param name="OverCap">It did not fit; entered all the same when the cap is only advisory.</param>
/// <param name="Announced">A message became due for it.</param>
public sealed record EnteredJob(Guid? Id, bool Joined, bool OverCap, bool Announced);

/// <param name="Cancelled">Nobody waited any more.</param>
/// <param name="WasRunning">A worker had it and should hear of it.</param>
public sealed record LeftJob(bool Cancelled, bool WasRunning);

/// <param name="Status"><c>completed</c>, <c>failed</c>, <c>dead_letter</c> or <c>cancelled</c>.</param>
public sealed record FinishedJob(Guid Id, string Status, string? Result, string? Error);

using Npgsql;
using NpgsqlTypes;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>
/// A job that is enqueued in the transaction of what causes it: both are committed, or neither. No turn waits for it and no cap refuses it.
/// After the commit the caller signals the lane (<see cref="Messages.OutboxPublisher.Signal"/>); without the signal the message is
/// published a second later.
/// </summary>
/// <param name="Id">The id of the job.</param>
/// <param name="Lane">Its lane.</param>
/// <param name="Principal">For fairness: of the jobs of one principal, each one delays the next one by a second.</param>
/// <param name="Arguments">JSON. It must not contain secrets.</param>
/// <param name="MaxAttempts">Attempts before the job is a dead letter, ≥ 1.</param>
public sealed record JobEntry(Guid Id, ToolLane Lane, string Principal, string Arguments, int MaxAttempts)
{
    /// <summary>
    /// Creates the function that enqueues a job. A statement that also writes something else may call it: id, tool, class, principal,
    /// arguments, attempts, trace parent and trace state.
    /// </summary>
    internal const string CreateFunction = """
        CREATE FUNCTION reliability.enter_job(uuid, text, text, text, text, integer, text, text) RETURNS void LANGUAGE sql AS $$
            INSERT INTO reliability.tool_jobs
                (id, tool, qos_class, principal, args, max_attempts, trace_parent, trace_state, available_at, fair_at, announced_at,
                  created_at, updated_at)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, statement_timestamp(), statement_timestamp() + INTERVAL '1 second' * (
                    SELECT count(*) FROM (
                        SELECT FROM reliability.tool_jobs WHERE tool = $2 AND principal = $4 AND status IN ('queued', 'running')
                        LIMIT 3600) live),
                statement_timestamp(), statement_timestamp(), statement_timestamp();
            INSERT INTO reliability.tool_outbox (job_id, tool, due_at, trace_parent) VALUES ($1, $2, statement_timestamp(), $7);
        $$;
        """;

    internal const string DropFunction = "DROP FUNCTION reliability.enter_job(uuid, text, text, text, text, integer, text, text);";

    /// <summary>The statement that enqueues the job, with the <see cref="Parameters"/>.</summary>
    public const string Enter = """
        -- enter job
        SELECT reliability.enter_job(@id, @tool, @class, @principal, @args, @attempts, @trace_parent, @trace_state)
        """;

    /// <summary>The parameters of <see cref="Enter"/>, new ones at each call.</summary>
    public IReadOnlyList<NpgsqlParameter> Parameters =>
    [
        new("id", Id), new("tool", Lane.Tool), new("class", Lane.Qos.Name), new("principal", Principal), new("args", Arguments),
        new("attempts", MaxAttempts), Text("trace_parent", Trace.Parent), Text("trace_state", Trace.State),
    ];

    /// <summary>The trace of the present activity, for every attempt of the job.</summary>
    public TraceContext Trace { get; } = TraceContext.Current;

    private static NpgsqlParameter Text(string name, string? value) =>
        new(name, NpgsqlDbType.Text) { Value = (object?)value ?? DBNull.Value };
}

using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>Queueing, execution, retry and retention of tool jobs. The caps of a lane are knobs of its tool.</summary>
public sealed class ToolJobOptions
{
    /// <summary>Jobs that a worker claims with one statement.</summary>
    [Knob("TOOL_JOB_MAX_PER_RUN"), Range(1, 20)]
    public int MaxPerRun { get; set; } = 3;

    /// <summary>Time after which a claimed job whose lease was not renewed is requeued.</summary>
    [Knob("TOOL_JOB_LEASE_MS"), Range(5_000, 600_000)]
    public int LeaseMs { get; set; } = 45_000;

    /// <summary>Time that a turn waits for its tool job.</summary>
    [Knob("TOOL_JOB_WAIT_MS"), Range(1_000, 60_000)]
    public int WaitMs { get; set; } = 8_000;

    /// <summary>
    /// Interval at which waiting turns read their jobs from Postgres while signals are unavailable. While they are available it is at
    /// least 2 s.
    /// </summary>
    [Knob("TOOL_JOB_POLL_MS"), Range(50, 5_000)]
    public int PollMs { get; set; } = 250;

    /// <summary>Attempts before a job is a dead letter.</summary>
    [Knob("TOOL_JOB_MAX_ATTEMPTS"), Range(1, 10)]
    public int MaxAttempts { get; set; } = 2;

    /// <summary>Delay before the second attempt. It doubles with each further attempt, up to a minute.</summary>
    [Knob("TOOL_JOB_RETRY_BASE_MS"), Range(100, 60_000)]
    public int RetryBaseMs { get; set; } = 1_000;

    /// <summary>Time after which a finished job is deleted.</summary>
    [Knob("TOOL_JOB_TTL_MS"), Range(300_000d, 2_592_000_000d)]
    public long TtlMs { get; set; } = 86_400_000;

    /// <summary>A claim finds its jobs by index, independent of the number of queued jobs.</summary>
    [Knob("TOOL_JOB_CLAIM_SCAN", WithoutEffect = true), Range(10, 2_000)]
    public int ClaimScan { get; set; } = 200;

    /// <summary>Maximum number of realtime jobs that run at the same time, over all workers.</summary>
    [Knob("TOOL_JOB_RUNMAX_QOS_REALTIME"), Range(1, 100)]
    public int RunMaxRealtime { get; set; } = 2;

    /// <summary>Maximum number of interactive jobs that run at the same time, over all workers.</summary>
    [Knob("TOOL_JOB_RUNMAX_QOS_INTERACTIVE"), Range(1, 100)]
    public int RunMaxInteractive { get; set; } = 2;

    /// <summary>Maximum number of batch jobs that run at the same time, over all workers.</summary>
    [Knob("TOOL_JOB_RUNMAX_QOS_BATCH"), Range(1, 100)]
    public int RunMaxBatch { get; set; } = 1;

    /// <summary>Time after which a dead letter is deleted.</summary>
    [Knob("TOOL_JOB_DLQ_TTL_MS"), Range(60_000d, 7_776_000_000d)]
    public long DeadLetterTtlMs { get; set; } = 604_800_000;

    /// <summary>Dead letters of one tool that a replay makes due per second, so that the replay does not overload the tool.</summary>
    [Knob("TOOL_JOB_REPLAY_PER_SEC"), Range(1, 1_000)]
    public int ReplayPerSecond { get; set; } = 5;
}

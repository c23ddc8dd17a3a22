using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>How tool jobs are queued, run, retried and kept.</summary>
public sealed class ToolJobOptions
{
    /// <summary>Jobs that a worker claims in one go.</summary>
    [Knob("TOOL_JOB_MAX_PER_RUN"), Range(1, 20)]
    public int MaxPerRun { get; set; } = 3;

    /// <summary>How long a claimed job outlives its worker's last sign of life.</summary>
    [Knob("TOOL_JOB_LEASE_MS"), Range(5_000, 600_000)]
    public int LeaseMs { get; set; } = 45_000;

    /// <summary>How long a turn waits for its tool job.</summary>
    [Knob("TOOL_JOB_WAIT_MS"), Range(1_000, 60_000)]
    public int WaitMs { get; set; } = 8_000;

    /// <summary>How often waiters look for themselves while signals do not arrive; while they do, every 2 s at most.</summary>
    [Knob("TOOL_JOB_POLL_MS"), Range(50, 5_000)]
    public int PollMs { get; set; } = 250;

    /// <summary>Attempts before a job is dead.</summary>
    [Knob("TOOL_JOB_MAX_ATTEMPTS"), Range(1, 10)]
    public int MaxAttempts { get; set; } = 2;

    /// <summary>Delay before the second attempt; doubles with each further one.</summary>
    [Knob("TOOL_JOB_RETRY_BASE_MS"), Range(100, 60_000)]
    public int RetryBaseMs { get; set; } = 1_000;

    /// <summary>How long a finished job is kept.</summary>
    [Knob("TOOL_JOB_TTL_MS"), Range(300_000d, 2_592_000_000d)]
    public long TtlMs { get; set; } = 86_400_000;

    /// <summary>Accepted for old deployments: a claim finds the fairest jobs by index, however many wait.</summary>
    [Knob("TOOL_JOB_CLAIM_SCAN"), Range(10, 2_000)]
    public int ClaimScan { get; set; } = 200;

    /// <summary>Web searches running at once.</summary>
    [Knob("TOOL_JOB_RUNMAX_WEB"), Range(1, 100)]
    public int RunMaxWeb { get; set; } = 2;

    /// <summary>Product searches running at once.</summary>
    [Knob("TOOL_JOB_RUNMAX_PROD"), Range(1, 100)]
    public int RunMaxProducts { get; set; } = 2;

    /// <summary>Global searches running at once.</summary>
    [Knob("TOOL_JOB_RUNMAX_GLOB"), Range(1, 100)]
    public int RunMaxGlobal { get; set; } = 1;

    /// <summary>Web searches waiting at most; one principal may have a quarter of them.</summary>
    [Knob("TOOL_JOB_QMAX_WEB"), Range(1, 10_000)]
    public int QueueMaxWeb { get; set; } = 80;

    /// <summary>Product searches waiting at most; one principal may have a quarter of them.</summary>
    [Knob("TOOL_JOB_QMAX_PROD"), Range(1, 10_000)]
    public int QueueMaxProducts { get; set; } = 80;

    /// <summary>Global searches waiting at most; one principal may have a quarter of them.</summary>
    [Knob("TOOL_JOB_QMAX_GLOB"), Range(1, 10_000)]
    public int QueueMaxGlobal { get; set; } = 40;

    /// <summary>Realtime jobs running at once.</summary>
    [Knob("TOOL_JOB_RUNMAX_QOS_REALTIME"), Range(1, 100)]
    public int RunMaxRealtime { get; set; } = 2;

    /// <summary>Interactive jobs running at once.</summary>
    [Knob("TOOL_JOB_RUNMAX_QOS_INTERACTIVE"), Range(1, 100)]
    public int RunMaxInteractive { get; set; } = 2;

    /// <summary>Batch jobs running at once.</summary>
    [Knob("TOOL_JOB_RUNMAX_QOS_BATCH"), Range(1, 100)]
    public int RunMaxBatch { get; set; } = 1;

    /// <summary>How long a dead job is kept.</summary>
    [Knob("TOOL_JOB_DLQ_TTL_MS"), Range(60_000d, 7_776_000_000d)]
    public long DeadLetterTtlMs { get; set; } = 604_800_000;

    /// <summary>Dead letters of one tool that are run again per second, so that a replay does not become the next incident.</summary>
    [Knob("TOOL_JOB_REPLAY_PER_SEC"), Range(1, 1_000)]
    public int ReplayPerSecond { get; set; } = 5;
}

using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Redis;

/// <summary>Timeouts of the guards for Redis, and the heartbeat of the replicas.</summary>
public sealed class RedisOptions
{
    /// <summary>Timeout of a decision in Redis. After it, the decision is made without Redis.</summary>
    [Knob("REDIS_DECISION_TIMEOUT_MS"), Range(5, 1_000)]
    public int DecisionTimeoutMs { get; set; } = 50;

    /// <summary>After three failed decisions in a row, time during which decisions are made without a request to Redis.</summary>
    [Knob("REDIS_SUSPEND_MS"), Range(50, 10_000)]
    public int SuspendMs { get; set; } = 250;

    /// <summary>Interval of a replica's heartbeats.</summary>
    [Knob("REDIS_REPLICA_BEAT_MS"), Range(100, 5_000)]
    public int ReplicaBeatMs { get; set; } = 2_000;

    /// <summary>
    /// A replica without a heartbeat for this time counts as dead. The others release its leases at their next heartbeat.
    /// </summary>
    [Knob("REDIS_REPLICA_DEAD_AFTER_MS"), Range(500, 60_000)]
    public int ReplicaDeadAfterMs { get; set; } = 8_000;
}

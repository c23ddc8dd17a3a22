using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Redis;

/// <summary>How long the guards wait for Redis, and how soon a dead replica's leases are freed.</summary>
public sealed class RedisOptions
{
    /// <summary>A decision that Redis has not answered by then is taken without it.</summary>
    [Knob("REDIS_DECISION_TIMEOUT_MS"), Range(5, 1_000)]
    public int DecisionTimeoutMs { get; set; } = 50;

    /// <summary>After a decision without Redis in a row of three, how long further ones do not even ask.</summary>
    [Knob("REDIS_SUSPEND_MS"), Range(50, 10_000)]
    public int SuspendMs { get; set; } = 250;

    /// <summary>How often a replica says that it lives.</summary>
    [Knob("REDIS_REPLICA_BEAT_MS"), Range(100, 5_000)]
    public int ReplicaBeatMs { get; set; } = 2_000;

    /// <summary>A replica silent for so long is dead; its leases are freed by the others at their next beat.</summary>
    [Knob("REDIS_REPLICA_DEAD_AFTER_MS"), Range(500, 60_000)]
    public int ReplicaDeadAfterMs { get; set; } = 8_000;
}

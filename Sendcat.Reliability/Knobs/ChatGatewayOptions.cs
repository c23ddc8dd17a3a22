namespace Sendcat.Reliability.Knobs;

/// <summary>The rollout flags of the chat gateway.</summary>
public sealed class ChatGatewayOptions
{
    /// <summary>Off: the gateway mode is <c>legacy</c>. The limiter alone decides, without admission.</summary>
    [Knob("FF_CHAT_GATEWAY_ENABLED")]
    public bool Enabled { get; set; }

    /// <summary>
    /// On: the mode of an enabled gateway is <c>shadow</c>. Admission counts under separate keys and only reports. Off: it is
    /// <c>authoritative</c>, and admission decides.
    /// </summary>
    [Knob("FF_CHAT_GATEWAY_SHADOW")]
    public bool Shadow { get; set; } = true;

    /// <summary>
    /// Admission refuses turns beyond its limits when the gateway mode is <c>authoritative</c>. Overrides
    /// <c>ADMISSION_REDIS_SHADOW_MODE</c>.
    /// </summary>
    [Knob("FF_ADMISSION_ENFORCE")]
    public bool AdmissionEnforce { get; set; }

    /// <summary>Tool jobs are refused when the queue is at its cap.</summary>
    [Knob("FF_TOOL_QUEUE_ENFORCE")]
    public bool ToolQueueEnforce { get; set; }

    /// <summary>The secondary route is tried when the primary fails before the first token.</summary>
    [Knob("FF_PROVIDER_FAILOVER_ENABLED")]
    public bool ProviderFailoverEnabled { get; set; }

    /// <summary>
    /// While Redis is unavailable, enforced admission refuses turns (503); off: it decides on the counts of this process alone.
    /// </summary>
    [Knob("FF_FAIL_CLOSED_ON_REDIS_ERROR")]
    public bool FailClosedOnRedisError { get; set; }

    /// <summary>Enables <c>GET /api/chat/health</c>.</summary>
    [Knob("FF_CHAT_GATEWAY_HEALTH_ENABLED")]
    public bool HealthEnabled { get; set; } = true;

    /// <summary><c>legacy</c>, <c>shadow</c> or <c>authoritative</c>.</summary>
    public string Mode => !Enabled ? "legacy" : Shadow ? "shadow" : "authoritative";
}

namespace Sendcat.Reliability.Knobs;

/// <summary>The flags of the chat gateway's rollout.</summary>
public sealed class ChatGatewayOptions
{
    /// <summary>Off: the gateway calls itself <c>legacy</c>.</summary>
    [Knob("FF_CHAT_GATEWAY_ENABLED")]
    public bool Enabled { get; set; }

    /// <summary>An enabled gateway calls itself <c>shadow</c> while this is on, <c>authoritative</c> otherwise.</summary>
    [Knob("FF_CHAT_GATEWAY_SHADOW")]
    public bool Shadow { get; set; } = true;

    /// <summary>Admission refuses; stronger than <c>ADMISSION_REDIS_SHADOW_MODE</c>.</summary>
    [Knob("FF_ADMISSION_ENFORCE")]
    public bool AdmissionEnforce { get; set; }

    /// <summary>Tool jobs are refused at the queue's cap.</summary>
    [Knob("FF_TOOL_QUEUE_ENFORCE")]
    public bool ToolQueueEnforce { get; set; }

    /// <summary>The secondary route is tried when the primary fails before the first token.</summary>
    [Knob("FF_PROVIDER_FAILOVER_ENABLED")]
    public bool ProviderFailoverEnabled { get; set; }

    /// <summary>Enforced admission refuses (503) while Redis is away; off: it goes on with limits of this process alone.</summary>
    [Knob("FF_FAIL_CLOSED_ON_REDIS_ERROR")]
    public bool FailClosedOnRedisError { get; set; }

    /// <summary><c>GET /api/chat/health</c> answers.</summary>
    [Knob("FF_CHAT_GATEWAY_HEALTH_ENABLED")]
    public bool HealthEnabled { get; set; } = true;

    /// <summary><c>legacy</c>, <c>shadow</c> or <c>authoritative</c>.</summary>
    public string Mode => !Enabled ? "legacy" : Shadow ? "shadow" : "authoritative";
}

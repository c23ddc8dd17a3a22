using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Admission;

/// <summary>Limits of running and starting turns, and the retry time of a refused turn.</summary>
public sealed class AdmissionOptions
{
    /// <summary>Enables admission, unless the gateway mode is <c>legacy</c>.</summary>
    [Knob("ADMISSION_REDIS_ENABLED")]
    public bool Enabled { get; set; }

    /// <summary>
    /// Admission counts under separate keys and only reports what it would refuse. <c>FF_ADMISSION_ENFORCE</c> overrides it.
    /// </summary>
    [Knob("ADMISSION_REDIS_SHADOW_MODE")]
    public bool ShadowMode { get; set; } = true;

    /// <summary>Admission uses the Redis of the connection string <c>redis</c>.</summary>
    [Knob("ADMISSION_REDIS_URL", StartUpOnly = true, WithoutEffect = true)]
    public string RedisUrl { get; set; } = "";

    /// <summary>Admission uses the Redis of the connection string <c>redis</c>.</summary>
    [Knob("ADMISSION_REDIS_TOKEN", Secret = true, WithoutEffect = true)]
    public string RedisToken { get; set; } = "";

    /// <summary>Prefix of admission's Redis keys.</summary>
    [Knob("ADMISSION_REDIS_KEY_PREFIX"), RegularExpression("^[a-zA-Z0-9:_-]{1,64}$")]
    public string KeyPrefix { get; set; } = "admit:chat";

    /// <summary>Enforces the limit of concurrent streams per principal; off: a breach is only reported.</summary>
    [Knob("ADMISSION_ENFORCE_USER_INFLIGHT")]
    public bool EnforceUserInFlight { get; set; } = true;

    /// <summary>Enforces the limit of concurrent streams per client address; off: a breach is only reported.</summary>
    [Knob("ADMISSION_ENFORCE_ADDRESS_INFLIGHT")]
    public bool EnforceAddressInFlight { get; set; } = true;

    /// <summary>Enforces the limit of concurrent streams of all guests together; off: a breach is only reported.</summary>
    [Knob("ADMISSION_ENFORCE_GUEST_INFLIGHT")]
    public bool EnforceGuestInFlight { get; set; } = true;

    /// <summary>Enforces the limit of all concurrent streams; off: a breach is only reported.</summary>
    [Knob("ADMISSION_ENFORCE_GLOBAL_INFLIGHT")]
    public bool EnforceGlobalInFlight { get; set; } = true;

    /// <summary>Enforces the limit of turns that start per second; off: a breach is only reported.</summary>
    [Knob("ADMISSION_ENFORCE_GLOBAL_MSG_RATE")]
    public bool EnforceGlobalMessageRate { get; set; } = true;

    /// <summary>Enforces the limit of estimated tool calls per second; off: a breach is only reported.</summary>
    [Knob("ADMISSION_ENFORCE_GLOBAL_TOOL_RATE")]
    public bool EnforceGlobalToolRate { get; set; } = true;

    /// <summary>Most concurrent streams of one principal.</summary>
    [Knob("ADMISSION_USER_MAX_INFLIGHT"), Range(1, 100)]
    public int UserMaxInFlight { get; set; } = 1;

    /// <summary>
    /// Share of the concurrent streams that one client address may hold, at least four streams; an IPv6 /48 network gets four times the
    /// share. The base is the global limit or the slots of the primary route, whichever is smaller. 100: no limit.
    /// </summary>
    [Knob("ADMISSION_ADDRESS_MAX_INFLIGHT_PCT"), Range(1, 100)]
    public int AddressMaxInFlightPct { get; set; } = 15;

    /// <summary>
    /// Share of the concurrent streams that all guests together may hold. The base is the global limit or the slots of the primary route,
    /// whichever is smaller. 100: no limit.
    /// </summary>
    [Knob("ADMISSION_GUEST_MAX_INFLIGHT_PCT"), Range(1, 100)]
    public int GuestMaxInFlightPct { get; set; } = 80;

    /// <summary>Most concurrent streams of all principals together.</summary>
    [Knob("ADMISSION_GLOBAL_MAX_INFLIGHT"), Range(1, 100_000)]
    public int GlobalMaxInFlight { get; set; } = 300;

    /// <summary>Most turns that start per second.</summary>
    [Knob("ADMISSION_GLOBAL_MAX_MSG_PER_SEC"), Range(1, 100_000)]
    public int GlobalMaxMessagesPerSecond { get; set; } = 120;

    /// <summary>Most estimated tool calls that start per second.</summary>
    [Knob("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC"), Range(1, 200_000)]
    public int GlobalMaxToolCallsPerSecond { get; set; } = 220;

    /// <summary>Estimated tool calls of a turn; one less without web search.</summary>
    [Knob("ADMISSION_EST_TOOL_CALLS_PER_MSG"), Range(0, 100)]
    public int EstimatedToolCallsPerMessage { get; set; } = 2;

    /// <summary>Time after the last renewal at which a turn's leases expire.</summary>
    [Knob("ADMISSION_TICKET_TTL_MS"), Range(1_000, 600_000)]
    public int TicketTtlMs { get; set; } = 45_000;

    /// <summary>Retry time that a refused turn receives, before jitter.</summary>
    [Knob("ADMISSION_RETRY_AFTER_MS"), Range(100, 60_000)]
    public int RetryAfterMs { get; set; } = 1_000;

    /// <summary>Jitter of the retry time, in both directions.</summary>
    [Knob("ADMISSION_RETRY_AFTER_JITTER_PCT"), Range(0, 90)]
    public int RetryAfterJitterPct { get; set; } = 20;

    /// <summary>Share of admitted turns whose event names the principal; all of them are counted.</summary>
    [Knob("ADMISSION_ALLOWED_EVENT_SAMPLE_PCT"), Range(0, 100)]
    public int AllowedEventSamplePct { get; set; } = 5;
}

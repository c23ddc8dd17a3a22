using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Admission;

/// <summary>How many turns may run and start, and what a refused one is told.</summary>
public sealed class AdmissionOptions
{
    /// <summary>Admission is consulted at all.</summary>
    [Knob("ADMISSION_REDIS_ENABLED")]
    public bool Enabled { get; set; }

    /// <summary>Decide under keys of its own and only report; <c>FF_ADMISSION_ENFORCE</c> is stronger.</summary>
    [Knob("ADMISSION_REDIS_SHADOW_MODE")]
    public bool ShadowMode { get; set; } = true;

    /// <summary>Accepted for old deployments: admission uses the one Redis of the connection string <c>redis</c>.</summary>
    [Knob("ADMISSION_REDIS_URL", StartUpOnly = true)]
    public string RedisUrl { get; set; } = "";

    /// <summary>Accepted for old deployments, like the address.</summary>
    [Knob("ADMISSION_REDIS_TOKEN", Secret = true)]
    public string RedisToken { get; set; } = "";

    /// <summary>Beginning of admission's Redis keys.</summary>
    [Knob("ADMISSION_REDIS_KEY_PREFIX"), RegularExpression("^[a-zA-Z0-9:_-]{1,64}$")]
    public string KeyPrefix { get; set; } = "admit:chat";

    /// <summary>A principal's streams at once are limited, not only reported.</summary>
    [Knob("ADMISSION_ENFORCE_USER_INFLIGHT")]
    public bool EnforceUserInFlight { get; set; } = true;

    /// <summary>An address's streams at once are limited, not only reported.</summary>
    [Knob("ADMISSION_ENFORCE_ADDRESS_INFLIGHT")]
    public bool EnforceAddressInFlight { get; set; } = true;

    /// <summary>The streams of all guests at once are limited, not only reported.</summary>
    [Knob("ADMISSION_ENFORCE_GUEST_INFLIGHT")]
    public bool EnforceGuestInFlight { get; set; } = true;

    /// <summary>All streams at once are limited, not only reported.</summary>
    [Knob("ADMISSION_ENFORCE_GLOBAL_INFLIGHT")]
    public bool EnforceGlobalInFlight { get; set; } = true;

    /// <summary>Starts per second are limited, not only reported.</summary>
    [Knob("ADMISSION_ENFORCE_GLOBAL_MSG_RATE")]
    public bool EnforceGlobalMessageRate { get; set; } = true;

    /// <summary>Estimated tool calls per second are limited, not only reported.</summary>
    [Knob("ADMISSION_ENFORCE_GLOBAL_TOOL_RATE")]
    public bool EnforceGlobalToolRate { get; set; } = true;

    /// <summary>Streams one principal may hold at once.</summary>
    [Knob("ADMISSION_USER_MAX_INFLIGHT"), Range(1, 100)]
    public int UserMaxInFlight { get; set; } = 1;

    /// <summary>Share of the streams that one client address may hold at once, at least four; an IPv6 /48 has four times as much. Of the global limit or the primary route's slots, whichever is smaller. 100: no limit.</summary>
    [Knob("ADMISSION_ADDRESS_MAX_INFLIGHT_PCT"), Range(1, 100)]
    public int AddressMaxInFlightPct { get; set; } = 15;

    /// <summary>Share of the streams that all guests together may hold at once, of the same. 100: no limit.</summary>
    [Knob("ADMISSION_GUEST_MAX_INFLIGHT_PCT"), Range(1, 100)]
    public int GuestMaxInFlightPct { get; set; } = 80;

    /// <summary>Streams all principals may hold at once.</summary>
    [Knob("ADMISSION_GLOBAL_MAX_INFLIGHT"), Range(1, 100_000)]
    public int GlobalMaxInFlight { get; set; } = 300;

    /// <summary>Turns that may start in a second.</summary>
    [Knob("ADMISSION_GLOBAL_MAX_MSG_PER_SEC"), Range(1, 100_000)]
    public int GlobalMaxMessagesPerSecond { get; set; } = 120;

    /// <summary>Estimated tool calls that may start in a second.</summary>
    [Knob("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC"), Range(1, 200_000)]
    public int GlobalMaxToolCallsPerSecond { get; set; } = 220;

    /// <summary>Tool calls a turn is expected to make; one less without web search.</summary>
    [Knob("ADMISSION_EST_TOOL_CALLS_PER_MSG"), Range(0, 100)]
    public int EstimatedToolCallsPerMessage { get; set; } = 2;

    /// <summary>How long a turn's place outlives the last sign of life of its process.</summary>
    [Knob("ADMISSION_TICKET_TTL_MS"), Range(1_000, 600_000)]
    public int TicketTtlMs { get; set; } = 45_000;

    /// <summary>When a refused turn may ask again, before jitter.</summary>
    [Knob("ADMISSION_RETRY_AFTER_MS"), Range(100, 60_000)]
    public int RetryAfterMs { get; set; } = 1_000;

    /// <summary>How far that moves to either side.</summary>
    [Knob("ADMISSION_RETRY_AFTER_JITTER_PCT"), Range(0, 90)]
    public int RetryAfterJitterPct { get; set; } = 20;

    /// <summary>Share of admitted turns that leave an event.</summary>
    [Knob("ADMISSION_ALLOWED_EVENT_SAMPLE_PCT"), Range(0, 100)]
    public int AllowedEventSamplePct { get; set; } = 5;
}

using System.Text.Json;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Providers;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.ApiService.Ops;

/// <summary>The settings in force on this replica.</summary>
/// <param name="RateLimits">By bucket, for instance <c>chatStream</c>.</param>
/// <param name="Rejected">Configured values that are invalid and not in effect.</param>
internal sealed record SnapshotConfig(
    IReadOnlyDictionary<string, RateLimitConfig> RateLimits, IReadOnlyDictionary<string, CircuitConfig> Circuits,
    IReadOnlyDictionary<string, BulkheadConfig> Bulkheads, AdmissionConfig Admission, GatewayConfig ChatGateway,
    RoutesConfig ChatProviderRoutes,
    RegionConfig RegionTopology, ToolCacheConfig ToolCache, ToolCacheNamespacesConfig ToolCacheNamespaces, ToolJobsConfig ToolJobs,
    ToolQueueAlertsConfig ToolQueueAlerts, IReadOnlyList<RejectedKnob> Rejected);

internal sealed record RateLimitConfig(int Max, int WindowMs);

internal sealed record CircuitConfig(int Threshold, int CooldownMs)
{
    public static CircuitConfig Of(ProviderLimits now) => new(now.CircuitThreshold, now.CircuitCooldownMs);
}

internal sealed record BulkheadConfig(int MaxConcurrent, int LeaseTtlMs)
{
    public static BulkheadConfig Of(ProviderLimits now) => new(now.MaxConcurrent, now.LeaseTtlMs);
}

/// <param name="RedisToken">Redacted; empty when it is not set.</param>
internal sealed record AdmissionConfig(
    bool RedisEnabled, bool RedisShadowMode, string RedisToken, string RedisKeyPrefix, bool EnforceUserInflight,
    bool EnforceAddressInflight,
    bool EnforceGuestInflight, bool EnforceGlobalInflight, bool EnforceGlobalMsgRate, bool EnforceGlobalToolRate, int UserMaxInflight,
    int AddressMaxInflightPct, int GuestMaxInflightPct, int GlobalMaxInflight, int GlobalMaxMsgPerSec, int GlobalMaxToolPerSec,
    int EstToolCallsPerMsg, int TicketTtlMs, int RetryAfterMs, int RetryAfterJitterPct, int AllowedEventSamplePct)
{
    private const string Redacted = "***redacted***";

    public static AdmissionConfig Of(AdmissionOptions now) => new(
        now.Enabled, now.ShadowMode, now.RedisToken.Length > 0 ? Redacted : "", now.KeyPrefix, now.EnforceUserInFlight,
        now.EnforceAddressInFlight,
        now.EnforceGuestInFlight, now.EnforceGlobalInFlight, now.EnforceGlobalMessageRate, now.EnforceGlobalToolRate, now.UserMaxInFlight,
        now.AddressMaxInFlightPct, now.GuestMaxInFlightPct, now.GlobalMaxInFlight, now.GlobalMaxMessagesPerSecond,
        now.GlobalMaxToolCallsPerSecond,
        now.EstimatedToolCallsPerMessage, now.TicketTtlMs, now.RetryAfterMs, now.RetryAfterJitterPct, now.AllowedEventSamplePct);
}

internal sealed record GatewayConfig(
    bool Enabled, bool ShadowMode, bool AdmissionEnforce, bool ToolQueueEnforce, bool ProviderFailoverEnabled, bool FailClosedOnRedisError,
    bool HealthEndpointEnabled)
{
    public static GatewayConfig Of(ChatGatewayOptions now) => new(
        now.Enabled, now.Shadow, now.AdmissionEnforce, now.ToolQueueEnforce, now.ProviderFailoverEnabled, now.FailClosedOnRedisError,
        now.HealthEnabled);
}

internal sealed record RoutesConfig(
    int PrimaryTimeoutMs, int PrimaryRetries, int SecondaryTimeoutMs, int SecondaryRetries, string FastPrimaryModel,
    string FastSecondaryModel,
    string AgentPrimaryModel, string AgentSecondaryModel, string DefaultModelClass)
{
    public static RoutesConfig Of(ProviderRouteOptions now) => new(
        now.PrimaryTimeoutMs, now.PrimaryRetries, now.SecondaryTimeoutMs, now.SecondaryRetries, now.FastPrimaryModel,
        now.FastSecondaryModel,
        now.AgentPrimaryModel, now.AgentSecondaryModel, now.DefaultModelClass);
}

internal sealed record RegionConfig(string RegionId, string TopologyMode, bool ReadinessOnly)
{
    public static RegionConfig Of(RegionOptions now) =>
        new(now.RegionId, JsonNamingPolicy.SnakeCaseLower.ConvertName(now.TopologyMode.ToString()), now.ReadinessOnly);
}

internal sealed record ToolCacheConfig(int WebSearchTtlMs, int ProductSearchTtlMs, int GlobalSearchTtlMs);

internal sealed record ToolCacheNamespacesConfig(string WebSearch, string ProductSearch, string GlobalSearch);

/// <param name="MaxQueuedByTool">A lane without a cap is not there.</param>
internal sealed record ToolJobsConfig(
    int MaxJobsPerRun, int LeaseMs, int WaitTimeoutMs, int PollIntervalMs, int MaxAttempts, int RetryBaseMs, long RetentionMs,
    int ClaimScanSize,
    IReadOnlyDictionary<string, int> MaxRunningByTool, IReadOnlyDictionary<string, int> MaxQueuedByTool,
    IReadOnlyDictionary<string, int> MaxRunningByQos, long DeadLetterRetentionMs)
{
    public static ToolJobsConfig Of(ToolJobOptions now, LaneCatalog lanes) => new(
        now.MaxPerRun, now.LeaseMs, now.WaitMs, now.PollMs, now.MaxAttempts, now.RetryBaseMs, now.TtlMs, now.ClaimScan,
        lanes.All.ToDictionary(lane => lane.Tool, lane => lanes.LimitsOf(lane).Running, StringComparer.Ordinal),
        lanes.All.Where(lane => lanes.LimitsOf(lane).Queued is not null)
            .ToDictionary(lane => lane.Tool, lane => lanes.LimitsOf(lane).Queued!.Value, StringComparer.Ordinal),
        new Dictionary<string, int>(StringComparer.Ordinal)
        {
            [QosClass.Realtime.Name] = now.RunMaxRealtime, [QosClass.Interactive.Name] = now.RunMaxInteractive,
            [QosClass.Batch.Name] = now.RunMaxBatch,
        },
        now.DeadLetterTtlMs);
}

internal sealed record ToolQueueAlertsConfig(
    bool Enabled, int WindowMinutes, int CooldownMs, int MaxQueuedJobs, int MaxDeadLetterJobs, int MaxOldestQueuedAgeMs,
    int MaxOldestRunningAgeMs)
{
    public static ToolQueueAlertsConfig Of(ToolQueueAlertOptions now) => new(
        now.Enabled, now.WindowMinutes, now.CooldownMs, now.MaxQueued, now.MaxDeadLetters, now.MaxQueuedAgeMs, now.MaxRunningAgeMs);
}

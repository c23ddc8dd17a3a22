using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Ops;
using Sendcat.ApiService.Providers;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Slo;
using Sendcat.Reliability.Snapshot;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// Reports whether turns can be started. The report is public; models, limits and flags are added only for callers with an operator's key.
/// </summary>
internal sealed class ChatHealth(
    OpsGuard ops, ReplicaLoad load, OtherReplicas others, RequestDatabase database, IConnectionMultiplexer redis,
    AdmissionController admission, Circuits circuits, Bulkheads bulkheads, KnobRegistry knobs,
    IOptionsMonitor<ChatGatewayOptions> gateway, IOptionsMonitor<AdmissionOptions> limits, IOptionsMonitor<ProviderRouteOptions> routes,
    IOptionsMonitor<OpenRouterOptions> account, IOptionsMonitor<RegionOptions> region, TimeProvider time)
{
    public async Task<IResult> AnswerAsync(HttpContext http)
    {
        var flags = gateway.CurrentValue;
        if (!flags.HealthEnabled)
        {
            return ApiError.Forbidden();
        }

        var configured = account.CurrentValue.ApiKey.Length > 0;
        var (canDecide, redisResponds) = await admission.CheckAsync(http.RequestAborted);
        var ok = configured && canDecide;
        var turns = load.ReadTurns().Plus(await others.ReadAsync(redisResponds, http.RequestAborted));
        var verdict = !ok ? ChatVerdict.CannotStart(configured)
            : database.Outage.IsKnown ? ChatVerdict.PostgresIsUnavailable
            : ChatVerdict.Of(SloPolicy.Default.Verdict, turns.Minute, turns.Latest, turns.Waiting);
        var report = new ChatHealthReport(ok, flags.Mode, UtcTime.Text(time.GetUtcNow()), verdict.Verdict, verdict.Cause);
        if (await ops.RoleAsync(http) is not OpsRole.None)
        {
            report = report with
            {
                LastMinute = LastMinuteHealth.Of(verdict, turns),
            };
            report = await DetailedAsync(report, flags, configured, redisResponds, http.RequestAborted);
        }

        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(
            report, ChatHealthJson.Default.ChatHealthReport,
            statusCode: ok ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private async Task<ChatHealthReport> DetailedAsync(
        ChatHealthReport report, ChatGatewayOptions flags, bool configured, bool redisResponds, CancellationToken cancellationToken)
    {
        var limit = limits.CurrentValue;
        var route = routes.CurrentValue;
        var thisRegion = region.CurrentValue;
        var inFlight = await bulkheads.InFlightAsync(cancellationToken);
        return report with
        {
            Flags = new(
                flags.Enabled, flags.Shadow, flags.AdmissionEnforce, flags.ToolQueueEnforce, flags.ProviderFailoverEnabled,
                flags.FailClosedOnRedisError),
            Admission = new(
                limit.Enabled, limit.ShadowMode, admission.Mode is AdmissionMode.Enforce ? "enforce" : "shadow",
                redis.GetEndPoints(configuredOnly: true).Length > 0, redisResponds, limit.KeyPrefix,
                new(limit.EnforceUserInFlight, limit.EnforceGlobalInFlight, limit.EnforceGlobalMessageRate, limit.EnforceGlobalToolRate),
                new(limit.RetryAfterMs, limit.RetryAfterJitterPct)),
            Checks = new(configured),
            ProviderRoutes = new(
                route.PrimaryTimeoutMs, route.PrimaryRetries, route.SecondaryTimeoutMs, route.SecondaryRetries, route.FastPrimaryModel,
                route.FastSecondaryModel, route.AgentPrimaryModel, route.AgentSecondaryModel, route.DefaultModelClass),
            RegionTopology = new(
                thisRegion.RegionId, JsonNamingPolicy.SnakeCaseLower.ConvertName(thisRegion.TopologyMode.ToString()),
                thisRegion.ReadinessOnly),
            Circuits = [.. circuits.States().Select(circuit => CircuitHealth.Of(circuit, circuits.PolicyOf(circuit.Provider)))],
            Bulkheads = [.. inFlight.Select(bulkhead => BulkheadHealth.Of(bulkhead.Key, bulkhead.Value, bulkheads.LimitsOf(bulkhead.Key)))],
            Config = new(knobs.Rejected),
        };
    }
}

/// <param name="Ok">The key of the model provider is configured, and Redis responds if turns are refused without it.</param>
/// <param name="CheckedAt">UTC, ISO 8601.</param>
/// <param name="Verdict">What became of the turns of the last minute: <c>ok</c>, <c>degraded</c> or <c>failing</c>.</param>
/// <param name="Cause">See <see cref="ChatVerdict"/>; absent when the verdict is <c>ok</c>.</param>
internal sealed record ChatHealthReport(bool Ok, string Mode, string CheckedAt, string Verdict, string? Cause)
{
    public LastMinuteHealth? LastMinute { get; init; }

    public FlagsHealth? Flags { get; init; }

    public AdmissionHealth? Admission { get; init; }

    public ChecksHealth? Checks { get; init; }

    public RoutesHealth? ProviderRoutes { get; init; }

    public RegionHealth? RegionTopology { get; init; }

    public IReadOnlyList<CircuitHealth>? Circuits { get; init; }

    public IReadOnlyList<BulkheadHealth>? Bulkheads { get; init; }

    public ConfigHealth? Config { get; init; }
}

/// <summary>The numbers behind the verdict: the last 60 seconds of all replicas, as each reports them every two seconds.</summary>
/// <param name="Text">A sentence for people.</param>
/// <param name="Turns">Turns that ended. Those that were rejected or left by their caller are not among them.</param>
/// <param name="Refused">429.</param>
/// <param name="Late">Turns whose first token came too late.</param>
/// <param name="Partial">Turns with a tool whose lane was full.</param>
/// <param name="Waiting">Turns that still wait for their first token, for too long.</param>
internal sealed record LastMinuteHealth(
    string Text, long Turns, long Failed, long Refused, long Late, long Partial, int Waiting, IReadOnlyDictionary<string, long> Reasons)
{
    public static LastMinuteHealth Of(ChatVerdict verdict, RecentTurns turns)
    {
        var minute = turns.Minute;
        return new(verdict.Text, minute.Turns, minute.Failed, minute.Refused, minute.Late, minute.Partial, turns.Waiting, minute.Reasons);
    }
}

internal sealed record FlagsHealth(
    bool Enabled, bool ShadowMode, bool AdmissionEnforce, bool ToolQueueEnforce, bool ProviderFailoverEnabled, bool FailClosedOnRedisError);

internal sealed record AdmissionHealth(
    bool Enabled, bool ConfiguredShadowMode, string EffectiveMode, bool RedisConfigured, bool RedisConnected, string KeyPrefix,
    EnforcePolicyHealth EnforcePolicy, RetryAfterHealth RetryAfter);

internal sealed record EnforcePolicyHealth(bool UserInFlight, bool GlobalInFlight, bool GlobalMessageRate, bool GlobalToolRate);

internal sealed record RetryAfterHealth(int BaseMs, int JitterPct);

internal sealed record ChecksHealth(bool OpenRouterApiKeyConfigured);

internal sealed record RoutesHealth(
    int PrimaryTimeoutMs, int PrimaryRetries, int SecondaryTimeoutMs, int SecondaryRetries, string FastPrimaryModel,
    string FastSecondaryModel, string AgentPrimaryModel, string AgentSecondaryModel, string DefaultModelClass);

internal sealed record RegionHealth(string RegionId, string TopologyMode, bool ReadinessOnly);

/// <param name="Threshold">Failures within <paramref name="FailureWindowMs"/> that open the circuit.</param>
/// <param name="Suspended"><c>key</c> or <c>quota</c> while the provider refuses our account, <c>operator</c> while it is isolated; omitted otherwise.</param>
internal sealed record CircuitHealth(
    string Provider, string State, int FailureCount, DateTimeOffset? CooldownUntil, int Threshold, int CooldownMs, int FailureWindowMs,
    int ProbeTimeoutMs,
    string? Suspended)
{
    public static CircuitHealth Of(CircuitReading now, CircuitPolicy policy) => new(
        now.Provider, now.State, now.FailureCount, now.CooldownUntil, policy.Threshold, (int)policy.Cooldown.TotalMilliseconds,
        (int)policy.Window.TotalMilliseconds, (int)policy.ProbeTimeout.TotalMilliseconds, now.Suspended);
}

internal sealed record BulkheadHealth(string Provider, int InFlight, int MaxConcurrent, int LeaseTtlMs)
{
    public static BulkheadHealth Of(string provider, int inFlight, BulkheadLimits limits) =>
        new(provider, inFlight, limits.MaxConcurrent, (int)limits.LeaseTtl.TotalMilliseconds);
}

/// <param name="Rejected">Configured values that are invalid and not in effect. The value of a secret is not included.</param>
internal sealed record ConfigHealth(IReadOnlyList<RejectedKnob> Rejected);

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(UtcDateTimeConverter), typeof(UtcDateTimeOffsetConverter)])]
[JsonSerializable(typeof(ChatHealthReport))]
internal sealed partial class ChatHealthJson : JsonSerializerContext;

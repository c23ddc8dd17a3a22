using System.Collections.Frozen;

namespace Sendcat.Reliability.Knobs;

/// <summary>
/// The values that a rollout stage presets for the flags, and a capacity tier for the caps. No preset sets both, so that enforcement and
/// caps are not raised in one step.
/// </summary>
internal static class Presets
{
    private static readonly FrozenDictionary<string, string> Shadow = new Dictionary<string, string>
    {
        ["FF_CHAT_GATEWAY_ENABLED"] = "true",
        ["FF_CHAT_GATEWAY_SHADOW"] = "true",
        ["FF_ADMISSION_ENFORCE"] = "false",
        ["FF_TOOL_QUEUE_ENFORCE"] = "false",
        ["FF_PROVIDER_FAILOVER_ENABLED"] = "false",
        ["FF_FAIL_CLOSED_ON_REDIS_ERROR"] = "false",
        ["ADMISSION_REDIS_ENABLED"] = "true",
        ["ADMISSION_REDIS_SHADOW_MODE"] = "true",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> Enforce = new Dictionary<string, string>
    {
        ["FF_CHAT_GATEWAY_ENABLED"] = "true",
        ["FF_CHAT_GATEWAY_SHADOW"] = "false",
        ["FF_ADMISSION_ENFORCE"] = "true",
        ["FF_TOOL_QUEUE_ENFORCE"] = "true",
        ["FF_PROVIDER_FAILOVER_ENABLED"] = "true",
        ["FF_FAIL_CLOSED_ON_REDIS_ERROR"] = "true",
        ["ADMISSION_REDIS_ENABLED"] = "true",
        ["ADMISSION_REDIS_SHADOW_MODE"] = "false",
        ["ADMISSION_ENFORCE_USER_INFLIGHT"] = "true",
        ["ADMISSION_ENFORCE_ADDRESS_INFLIGHT"] = "true",
        ["ADMISSION_ENFORCE_GUEST_INFLIGHT"] = "true",
        ["ADMISSION_ENFORCE_GLOBAL_INFLIGHT"] = "true",
        ["ADMISSION_ENFORCE_GLOBAL_MSG_RATE"] = "true",
        ["ADMISSION_ENFORCE_GLOBAL_TOOL_RATE"] = "true",
    }.ToFrozenDictionary();

    /// <summary>
    /// For stages with public traffic: only signed session ids are accepted, because ids that a browser generates are too easy to guess.
    /// </summary>
    private static readonly FrozenDictionary<string, string> Public = new Dictionary<string, string>(Enforce)
    {
        ["ANONYMOUS_SESSION_SIGNED_ONLY"] = "true",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> L = Caps(streams: 1_200, startsPerSecond: 600);
    private static readonly FrozenDictionary<string, string> G = Caps(streams: 6_000, startsPerSecond: 2_000);
    private static readonly FrozenDictionary<string, string> X = Caps(streams: 24_000, startsPerSecond: 5_000);

    public static string? Of(string knob, string? stage, string? tier)
    {
        var flags = stage switch
        {
            "dev-shadow" => Shadow,
            "dev-enforce" => Enforce,
            "canary" or "production" => Public,
            _ => null,
        };
        var caps = tier switch { "L" => L, "G" => G, "X" => X, _ => null };
        return flags?.GetValueOrDefault(knob) ?? caps?.GetValueOrDefault(knob);
    }

    /// <summary>
    /// The caps of a tier. Each provider route gets the full number of streams, because each must be able to replace the other. The tool
    /// rate is two calls per message, the estimate of admission.
    /// </summary>
    private static FrozenDictionary<string, string> Caps(int streams, int startsPerSecond) => new Dictionary<string, string>
    {
        ["ADMISSION_GLOBAL_MAX_INFLIGHT"] = KnobText.Of(streams),
        ["ADMISSION_GLOBAL_MAX_MSG_PER_SEC"] = KnobText.Of(startsPerSecond),
        ["ADMISSION_GLOBAL_MAX_TOOL_PER_SEC"] = KnobText.Of(2 * startsPerSecond),
        ["BULKHEAD_OR_PRI_MAX_CONCURRENT"] = KnobText.Of(streams),
        ["BULKHEAD_OR_SEC_MAX_CONCURRENT"] = KnobText.Of(streams),
        ["BULKHEAD_OPENROUTER_MAX_CONCURRENT"] = KnobText.Of(streams),
    }.ToFrozenDictionary();
}

using System.Security.Cryptography;

namespace Sendcat.Benchmarks.Targets;

/// <summary>
/// The settings of the API: all limits are enforced, and each cap is above the load of the benchmarks, so that the cost of the limits is
/// measured and not their refusals.
/// </summary>
internal static class SendcatOptions
{
    public static Dictionary<string, string?> Environment(Uri emulator) => new()
    {
        ["ASPNETCORE_ENVIRONMENT"] = "Production",
        ["AUTH_SIGNING_KEY"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(48)),
        ["OPENROUTER_API_KEY"] = "benchmark",
        ["OPENROUTER_BASE_URL"] = new Uri(emulator, "openrouter/api/v1").ToString(),
        ["SENDCAT_ROLLOUT_STAGE"] = "dev-enforce",
        ["SENDCAT_CAPACITY_TIER"] = "X",
        ["RATE_LIMIT_CHAT_STREAM_MAX"] = "1000",
        ["RATE_LIMIT_CHAT_IP_MAX"] = "1000000",
        ["RATE_LIMIT_THREAD_CREATE_MAX"] = "100000",
        ["RATE_LIMIT_ANON_SESSION_MAX"] = "1000000",
        ["RATE_LIMIT_ANON_SESSION_WINDOW_MS"] = "1000",
        ["RATE_LIMIT_THREAD_CREATE_WINDOW_MS"] = "1000",
        ["RATE_LIMIT_CHAT_IP_WINDOW_MS"] = "1000",
        ["READS_PER_ADDRESS_PER_MIN"] = "10000000",
        ["THREADS_PER_GUEST_MAX"] = "1000000",
        ["BYTES_PER_GUEST_MAX"] = "1000000000000",
        ["MESSAGES_PER_THREAD_MAX"] = "1000000",

        // All streams come from this machine and belong to guests.
        ["CHAT_ADDRESS_TOKENS_PER_DAY"] = "2000000000",
        ["CHAT_GLOBAL_TOKENS_PER_DAY"] = "2000000000",
        ["RATE_LIMIT_CHAT_TOKENS_MAX"] = "1000000000",
        ["ADMISSION_ADDRESS_MAX_INFLIGHT_PCT"] = "100",
        ["ADMISSION_GUEST_MAX_INFLIGHT_PCT"] = "100",
        ["ADMISSION_GLOBAL_MAX_INFLIGHT"] = "100000",
        ["ADMISSION_GLOBAL_MAX_MSG_PER_SEC"] = "100000",
        ["ADMISSION_GLOBAL_MAX_TOOL_PER_SEC"] = "200000",
        ["BULKHEAD_OR_PRI_MAX_CONCURRENT"] = "100000",
        ["BULKHEAD_OR_SEC_MAX_CONCURRENT"] = "100000",
        ["CIRCUIT_OPENROUTER_PRIMARY_THRESHOLD"] = "100",
        ["CIRCUIT_OPENROUTER_PRIMARY_COOLDOWN_MS"] = "1000",
        ["CIRCUIT_OPENROUTER_SECONDARY_THRESHOLD"] = "100",
        ["CIRCUIT_OPENROUTER_SECONDARY_COOLDOWN_MS"] = "1000",
    };

    /// <summary>Applies settings in the form <c>NAME=VALUE</c>. They replace existing ones.</summary>
    public static void Apply(this Dictionary<string, string?> environment, IEnumerable<string> settings)
    {
        foreach (var setting in settings)
        {
            var name = setting.Split('=')[0];
            environment[name] = setting.Length > name.Length ? setting[(name.Length + 1)..] : null;
        }
    }
}

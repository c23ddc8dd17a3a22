using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Chat;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Knobs;
using Sendcat.ToolWorker.Upstreams;

namespace Sendcat.UnitTests.Reliability;

/// <summary>The names, defaults and ranges that deployments already use. Change a line only together with all deployments.</summary>
public sealed class KnobContractTests
{
    [Theory]
    [InlineData("RATE_LIMIT_CHAT_STREAM_MAX", "30", "1–1000")]
    [InlineData("RATE_LIMIT_CHAT_STREAM_WINDOW_MS", "300000", "1000–3600000")]
    [InlineData("RATE_LIMIT_GMAIL_PUSH_MAX", "120", "1–5000")]
    [InlineData("RATE_LIMIT_GMAIL_PUSH_WINDOW_MS", "60000", "1000–3600000")]
    [InlineData("RATE_LIMIT_WHATSAPP_MAX", "120", "1–5000")]
    [InlineData("RATE_LIMIT_WHATSAPP_WINDOW_MS", "60000", "1000–3600000")]
    [InlineData("RATE_LIMIT_GMAIL_OAUTH_MAX", "30", "1–1000")]
    [InlineData("RATE_LIMIT_GMAIL_OAUTH_WINDOW_MS", "300000", "1000–3600000")]
    [InlineData("RATE_LIMIT_WA_LINK_CODE_MAX", "5", "1–100")]
    [InlineData("RATE_LIMIT_WA_LINK_CODE_WINDOW_MS", "600000", "1000–3600000")]
    [InlineData("RATE_LIMIT_CHAT_IP_MAX", "3000", "1–1000000")]
    [InlineData("RATE_LIMIT_CHAT_IP_WINDOW_MS", "60000", "1000–3600000")]
    [InlineData("RATE_LIMIT_THREAD_CREATE_MAX", "300", "1–100000")]
    [InlineData("RATE_LIMIT_THREAD_CREATE_WINDOW_MS", "300000", "1000–3600000")]
    [InlineData("RATE_LIMIT_ANON_SESSION_MAX", "3000", "1–1000000")]
    [InlineData("RATE_LIMIT_ANON_SESSION_WINDOW_MS", "60000", "1000–3600000")]
    [InlineData("RATE_LIMIT_AUTH_MAX", "300", "1–100000")]
    [InlineData("RATE_LIMIT_AUTH_WINDOW_MS", "60000", "1000–3600000")]
    [InlineData("RATE_LIMIT_SIGN_IN_MAX", "5", "1–1000")]
    [InlineData("RATE_LIMIT_SIGN_IN_WINDOW_MS", "900000", "1000–3600000")]
    [InlineData("RATE_LIMIT_PASSWORD_RESET_MAX", "5", "1–1000")]
    [InlineData("RATE_LIMIT_PASSWORD_RESET_WINDOW_MS", "900000", "1000–3600000")]
    [InlineData("RATE_LIMIT_COPY_MAX_KIB", "65536", "64–10000000")]
    [InlineData("RATE_LIMIT_COPY_WINDOW_MS", "300000", "1000–3600000")]
    [InlineData("READS_PER_ADDRESS_PER_MIN", "1200", "1–10000000")]
    [InlineData("ADMISSION_ENFORCE_ADDRESS_INFLIGHT", "true", "true, false")]
    [InlineData("ADMISSION_ENFORCE_GUEST_INFLIGHT", "true", "true, false")]
    [InlineData("ADMISSION_ADDRESS_MAX_INFLIGHT_PCT", "15", "1–100")]
    [InlineData("ADMISSION_GUEST_MAX_INFLIGHT_PCT", "80", "1–100")]
    [InlineData("CIRCUIT_OPENROUTER_PRIMARY_THRESHOLD", "5", "1–100")]
    [InlineData("CIRCUIT_OPENROUTER_PRIMARY_COOLDOWN_MS", "60000", "1000–3600000")]
    [InlineData("CIRCUIT_OPENROUTER_SECONDARY_THRESHOLD", "4", "1–100")]
    [InlineData("CIRCUIT_OPENROUTER_SECONDARY_COOLDOWN_MS", "45000", "1000–3600000")]
    [InlineData("CIRCUIT_OPENROUTER_THRESHOLD", "5", "1–100")]
    [InlineData("CIRCUIT_OPENROUTER_COOLDOWN_MS", "60000", "1000–3600000")]
    [InlineData("CIRCUIT_SERPER_THRESHOLD", "4", "1–100")]
    [InlineData("CIRCUIT_SERPER_COOLDOWN_MS", "120000", "1000–3600000")]
    [InlineData("CIRCUIT_GMAIL_OAUTH_THRESHOLD", "4", "1–100")]
    [InlineData("CIRCUIT_GMAIL_OAUTH_COOLDOWN_MS", "120000", "1000–3600000")]
    [InlineData("CIRCUIT_EBAY_THRESHOLD", "4", "1–100")]
    [InlineData("CIRCUIT_EBAY_COOLDOWN_MS", "120000", "1000–3600000")]
    [InlineData("CIRCUIT_GLOBAL_SEARCH_THRESHOLD", "4", "1–100")]
    [InlineData("CIRCUIT_GLOBAL_SEARCH_COOLDOWN_MS", "120000", "1000–3600000")]
    [InlineData("BULKHEAD_OR_PRI_MAX_CONCURRENT", "24", "1–100000")]
    [InlineData("BULKHEAD_OR_PRI_LEASE_TTL_MS", "600000", "15000–3600000")]
    [InlineData("BULKHEAD_OR_SEC_MAX_CONCURRENT", "16", "1–100000")]
    [InlineData("BULKHEAD_OR_SEC_LEASE_TTL_MS", "600000", "15000–3600000")]
    [InlineData("BULKHEAD_OPENROUTER_MAX_CONCURRENT", "24", "1–100000")]
    [InlineData("BULKHEAD_OPENROUTER_LEASE_TTL_MS", "600000", "15000–3600000")]
    [InlineData("BULKHEAD_SERPER_MAX_CONCURRENT", "12", "1–100000")]
    [InlineData("BULKHEAD_SERPER_LEASE_TTL_MS", "60000", "15000–3600000")]
    [InlineData("BULKHEAD_GMAIL_OAUTH_MAX_CONCURRENT", "8", "1–100000")]
    [InlineData("BULKHEAD_GMAIL_OAUTH_LEASE_TTL_MS", "60000", "15000–3600000")]
    [InlineData("BULKHEAD_EBAY_MAX_CONCURRENT", "8", "1–100000")]
    [InlineData("BULKHEAD_EBAY_LEASE_TTL_MS", "60000", "15000–3600000")]
    [InlineData("BULKHEAD_GLOBAL_SEARCH_MAX_CONCURRENT", "10", "1–100000")]
    [InlineData("BULKHEAD_GLOBAL_SEARCH_LEASE_TTL_MS", "60000", "15000–3600000")]
    [InlineData("BULKHEAD_TOOL_JOB_MAX", "6", "1–100000")]
    [InlineData("BULKHEAD_TOOL_JOB_LEASE_MS", "60000", "15000–1800000")]
    [InlineData("BULKHEAD_SENTRY_COOLDOWN_MS", "60000", "1000–600000")]
    [InlineData("OPS_DEFAULT_WINDOW_MINUTES", "15", "1–1440")]
    [InlineData("OPS_MAX_ROWS_PER_SECTION", "50", "5–5000")]
    [InlineData("TOOL_CACHE_WEB_SEARCH_TTL_MS", "300000", "5000–86400000")]
    [InlineData("TOOL_CACHE_PRODUCT_SEARCH_TTL_MS", "600000", "5000–86400000")]
    [InlineData("TOOL_CACHE_WEB_SEARCH_NAMESPACE_VERSION", "v1", "^[a-z0-9_-]{1,24}$")]
    [InlineData("TOOL_CACHE_PRODUCTS_NS_VER", "v1", "^[a-z0-9_-]{1,24}$")]
    [InlineData("TOOL_JOB_MAX_PER_RUN", "3", "1–20")]
    [InlineData("TOOL_JOB_LEASE_MS", "45000", "5000–600000")]
    [InlineData("TOOL_JOB_WAIT_MS", "8000", "1000–60000")]
    [InlineData("TOOL_JOB_POLL_MS", "250", "50–5000")]
    [InlineData("TOOL_JOB_MAX_ATTEMPTS", "2", "1–10")]
    [InlineData("TOOL_JOB_RETRY_BASE_MS", "1000", "100–60000")]
    [InlineData("TOOL_JOB_TTL_MS", "86400000", "300000–2592000000")]
    [InlineData("TOOL_JOB_CLAIM_SCAN", "200", "10–2000")]
    [InlineData("TOOL_JOB_RUNMAX_WEB", "2", "1–100")]
    [InlineData("TOOL_JOB_RUNMAX_PROD", "2", "1–100")]
    [InlineData("TOOL_JOB_RUNMAX_GLOB", "1", "1–100")]
    [InlineData("TOOL_JOB_QMAX_WEB", "80", "1–10000")]
    [InlineData("TOOL_JOB_QMAX_PROD", "80", "1–10000")]
    [InlineData("TOOL_JOB_QMAX_GLOB", "40", "1–10000")]
    [InlineData("TOOL_JOB_RUNMAX_QOS_REALTIME", "2", "1–100")]
    [InlineData("TOOL_JOB_RUNMAX_QOS_INTERACTIVE", "2", "1–100")]
    [InlineData("TOOL_JOB_RUNMAX_QOS_BATCH", "1", "1–100")]
    [InlineData("TOOL_JOB_DLQ_TTL_MS", "604800000", "60000–7776000000")]
    [InlineData("TOOL_QUEUE_ALERTS_ENABLED", "true", "true, false")]
    [InlineData("TOOL_QUEUE_ALERT_WINDOW_MIN", "5", "1–60")]
    [InlineData("TOOL_QUEUE_ALERT_COOLDOWN_MS", "900000", "60000–86400000")]
    [InlineData("TOOL_QUEUE_ALERT_MAX_QUEUED", "200", "1–500000")]
    [InlineData("TOOL_QUEUE_ALERT_MAX_DLQ", "20", "1–500000")]
    [InlineData("TOOL_QUEUE_ALERT_MAX_QUEUED_AGE_MS", "60000", "1000–3600000")]
    [InlineData("TOOL_QUEUE_ALERT_MAX_RUNNING_AGE_MS", "300000", "1000–3600000")]
    [InlineData("TOOL_QUEUE_SENTRY_DSN", "", "")]
    [InlineData("FF_CHAT_GATEWAY_ENABLED", "false", "true, false")]
    [InlineData("FF_CHAT_GATEWAY_SHADOW", "true", "true, false")]
    [InlineData("FF_ADMISSION_ENFORCE", "false", "true, false")]
    [InlineData("FF_TOOL_QUEUE_ENFORCE", "false", "true, false")]
    [InlineData("FF_PROVIDER_FAILOVER_ENABLED", "false", "true, false")]
    [InlineData("FF_FAIL_CLOSED_ON_REDIS_ERROR", "false", "true, false")]
    [InlineData("FF_CHAT_GATEWAY_HEALTH_ENABLED", "true", "true, false")]
    [InlineData("RELIABILITY_REGION_READINESS_ONLY", "true", "true, false")]
    [InlineData("ADMISSION_REDIS_ENABLED", "false", "true, false")]
    [InlineData("ADMISSION_REDIS_SHADOW_MODE", "true", "true, false")]
    [InlineData("ADMISSION_ENFORCE_USER_INFLIGHT", "true", "true, false")]
    [InlineData("ADMISSION_ENFORCE_GLOBAL_INFLIGHT", "true", "true, false")]
    [InlineData("ADMISSION_ENFORCE_GLOBAL_MSG_RATE", "true", "true, false")]
    [InlineData("ADMISSION_ENFORCE_GLOBAL_TOOL_RATE", "true", "true, false")]
    [InlineData("RELIABILITY_REGION_ID", "us-east-1", "^[a-z0-9-]{2,24}$")]
    [InlineData("RELIABILITY_TOPOLOGY_MODE", "single_region", "single_region, active_standby, active_active")]
    [InlineData("ADMISSION_REDIS_URL", "", "")]
    [InlineData("ADMISSION_REDIS_TOKEN", "", "")]
    [InlineData("ADMISSION_REDIS_KEY_PREFIX", "admit:chat", "^[a-zA-Z0-9:_-]{1,64}$")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "1", "1–100")]
    [InlineData("ADMISSION_GLOBAL_MAX_INFLIGHT", "300", "1–100000")]
    [InlineData("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "120", "1–100000")]
    [InlineData("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC", "220", "1–200000")]
    [InlineData("ADMISSION_EST_TOOL_CALLS_PER_MSG", "2", "0–100")]
    [InlineData("ADMISSION_TICKET_TTL_MS", "45000", "1000–600000")]
    [InlineData("ADMISSION_RETRY_AFTER_MS", "1000", "100–60000")]
    [InlineData("ADMISSION_RETRY_AFTER_JITTER_PCT", "20", "0–90")]
    [InlineData("ADMISSION_ALLOWED_EVENT_SAMPLE_PCT", "5", "0–100")]
    public void A_knob_keeps_its_name_default_and_range(string name, string initial, string range)
    {
        var knob = Registry.Find(name);

        Assert.NotNull(knob);
        Assert.Equal((initial, range), (knob.Default, knob.Range));
    }

    /// <summary>
    /// An operator who can change an address at run time could redirect a provider key or a password reset link to an address of their own.
    /// </summary>
    [Fact]
    public void Every_address_knob_is_read_only_at_start()
    {
        var addresses =
            from assembly in new[]
            {
                typeof(KnobRegistry).Assembly, typeof(QueuedTool).Assembly, typeof(ChatOptions).Assembly, typeof(UpstreamOptions).Assembly,
            }
            from type in assembly.GetTypes()
            where type.GetProperties().Any(property => property.IsDefined(typeof(KnobAttribute), inherit: false))
            from knob in Knob.Of(type)
            where knob.Name.EndsWith("_URL", StringComparison.Ordinal) || knob.Name.EndsWith("_DSN", StringComparison.Ordinal)
            select knob;

        var knobs = addresses.ToList();

        Assert.True(knobs.Count >= 8, $"only {knobs.Count} addresses were found");
        Assert.Empty(knobs.Where(knob => !knob.StartUpOnly && !knob.Secret).Select(knob => knob.Name));
    }

    [Fact]
    public void An_override_of_an_address_knob_from_an_earlier_version_has_no_effect()
    {
        using var provider = KnobsTests.Provider();
        provider.GetRequiredService<KnobOverrides>().Replace(
            [
                new("ADMISSION_REDIS_URL", "https://collector.example", "ann", default),
                new("ADMISSION_USER_MAX_INFLIGHT", "9", "ann", default),
            ]);
        var registry = provider.GetRequiredService<KnobRegistry>();

        Assert.Equal("9", registry.Read(registry.Find("ADMISSION_USER_MAX_INFLIGHT")!).Value);
        Assert.Equal(KnobSource.Default, registry.Read(registry.Find("ADMISSION_REDIS_URL")!).Source);
    }

    [Fact]
    public void A_knob_needs_a_flag_that_exists()
    {
        var flags = Registry.All.Where(knob => knob.Type == typeof(bool)).Select(knob => knob.Name).ToHashSet(StringComparer.Ordinal);
        var needed = Registry.All.Select(knob => knob.Needs).OfType<string>().Distinct().ToList();

        Assert.NotEmpty(needed);
        Assert.DoesNotContain(needed, name => !flags.Contains(name));
    }

    private static readonly KnobRegistry Registry = KnobsTests.Provider().GetRequiredService<KnobRegistry>();
}

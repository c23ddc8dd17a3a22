using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Sendcat.Integrations;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Providers;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.UnitTests.Reliability;

public sealed class KnobsTests
{
    [Fact]
    public void The_environment_name_has_precedence_over_the_section_and_the_section_over_the_default()
    {
        Assert.Equal(1, Options<AdmissionOptions>().UserMaxInFlight);
        Assert.Equal(3, Options<AdmissionOptions>(("Sendcat:Admission:UserMaxInFlight", "3")).UserMaxInFlight);
        Assert.Equal(
            4, Options<AdmissionOptions>(("Sendcat:Admission:UserMaxInFlight", "3"), ("ADMISSION_USER_MAX_INFLIGHT", "4")).UserMaxInFlight);
    }

    [Theory]
    [InlineData("2000")]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("many")]
    [InlineData("NaN")]
    [InlineData("1e99")]
    public void An_invalid_number_falls_back_to_the_default_and_is_listed_as_rejected(string given)
    {
        var provider = Provider(("RATE_LIMIT_CHAT_STREAM_MAX", given));

        Assert.Equal(30, provider.GetRequiredService<IOptionsMonitor<RateLimitOptions>>().CurrentValue.ChatStreamMax);
        var rejected = Assert.Single(provider.GetRequiredService<KnobRegistry>().Rejected);
        Assert.Equal(("RATE_LIMIT_CHAT_STREAM_MAX", given, "30"), (rejected.Name, rejected.Value, rejected.UsedDefault));
    }

    [Theory]
    [InlineData("12.9", 12)]
    [InlineData(" 40 ", 40)]
    [InlineData("1e2", 100)]
    [InlineData("", 30)]
    public void Numbers_are_rounded_down_and_an_empty_value_means_the_default(string given, int expected)
    {
        var provider = Provider(("RATE_LIMIT_CHAT_STREAM_MAX", given));

        Assert.Equal(expected, provider.GetRequiredService<IOptionsMonitor<RateLimitOptions>>().CurrentValue.ChatStreamMax);
        Assert.Empty(provider.GetRequiredService<KnobRegistry>().Rejected);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("TRUE", true)]
    [InlineData(" Yes ", true)]
    [InlineData("0", false)]
    [InlineData("no", false)]
    [InlineData("False", false)]
    [InlineData("on", true)]
    public void Booleans_accept_six_words_and_any_other_value_means_the_default(string given, bool expected) =>
        Assert.Equal(expected, Options<ChatGatewayOptions>(("FF_CHAT_GATEWAY_SHADOW", given)).Shadow);

    [Fact]
    public void Values_that_do_not_match_a_pattern_or_a_list_of_words_are_rejected()
    {
        var provider = Provider(
            ("RELIABILITY_REGION_ID", "Jamaica!"), ("RELIABILITY_TOPOLOGY_MODE", "active_active"), ("SENDCAT_CAPACITY_TIER", "XXL"));

        var region = provider.GetRequiredService<IOptionsMonitor<RegionOptions>>().CurrentValue;
        Assert.Equal(("us-east-1", TopologyMode.ActiveActive), (region.RegionId, region.TopologyMode));
        Assert.Equal(
            ["RELIABILITY_REGION_ID", "SENDCAT_CAPACITY_TIER"],
            provider.GetRequiredService<KnobRegistry>().Rejected.Select(knob => knob.Name));
    }

    [Theory]
    [InlineData("https://api.example", true)]
    [InlineData("http://127.0.0.1:5070/v1/", true)]
    [InlineData("http://[::1]:5070", true)]
    [InlineData("https://api.example?key=a", true)]
    [InlineData("", true)]
    [InlineData("api.example", false)]
    [InlineData("/api", false)]
    [InlineData("https://", false)]
    [InlineData("https://[api", false)]
    [InlineData("https://api:port", false)]
    [InlineData("https://api.example /", false)]
    [InlineData("https://h\u00e4uschen.example", false)]
    [InlineData("https://api.example\n/x", false)]
    [InlineData("ftp://api.example", false)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("javascript:alert(1)", false)]
    public void An_address_is_an_absolute_http_or_https_URL(string given, bool isAccepted)
    {
        var configuration = Configuration(("OPENROUTER_BASE_URL", given));
        var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddLogging().AddKnobs<OpenRouterOptions>();

        var rejected = services.BuildServiceProvider().GetRequiredService<KnobRegistry>().Rejected;

        Assert.Equal(isAccepted ? [] : ["not an http or https URL"], rejected.Select(knob => knob.Reason));
    }

    [Fact]
    public void Numbers_beyond_32_bits_are_accepted() =>
        Assert.Equal(2_592_000_000, Options<ToolJobOptions>(("TOOL_JOB_TTL_MS", "2592000000")).TtlMs);

    [Fact]
    public void A_rollout_stage_presets_the_flags_but_not_the_caps()
    {
        var provider = Provider(("SENDCAT_ROLLOUT_STAGE", "dev-enforce"), ("FF_TOOL_QUEUE_ENFORCE", "false"));

        var flags = provider.GetRequiredService<IOptionsMonitor<ChatGatewayOptions>>().CurrentValue;
        var admission = provider.GetRequiredService<IOptionsMonitor<AdmissionOptions>>().CurrentValue;
        Assert.Equal("authoritative", flags.Mode);
        Assert.True(
            flags is { AdmissionEnforce: true, ProviderFailoverEnabled: true, FailClosedOnRedisError: true, ToolQueueEnforce: false });
        Assert.True(admission is { Enabled: true, ShadowMode: false, GlobalMaxInFlight: 300, UserMaxInFlight: 1 });
    }

    [Theory]
    [InlineData("dev-shadow", null)]
    [InlineData("dev-enforce", null)]
    [InlineData("canary", "true")]
    [InlineData("production", "true")]
    public void Canary_and_production_preset_signed_sessions(string stage, string? preset) =>
        Assert.Equal(preset, Presets.Of("ANONYMOUS_SESSION_SIGNED_ONLY", stage, null));

    [Theory]
    [InlineData("L", 1_000)]
    [InlineData("G", 5_000)]
    [InlineData("X", 20_000)]
    public void A_capacity_tier_presets_the_caps_with_headroom_but_not_the_flags(string tier, int streams)
    {
        var provider = Provider(("SENDCAT_CAPACITY_TIER", tier));

        var providers = provider.GetRequiredService<ProviderCatalog>();
        var admission = provider.GetRequiredService<IOptionsMonitor<AdmissionOptions>>().CurrentValue;
        Assert.InRange(admission.GlobalMaxInFlight, streams + 1, 2 * streams);
        Assert.InRange(providers.LimitsOf(ChatProviders.Primary.Name).MaxConcurrent, streams + 1, 2 * streams);
        Assert.InRange(providers.LimitsOf(ChatProviders.Secondary.Name).MaxConcurrent, streams + 1, 2 * streams);
        Assert.False(admission.Enabled);
    }

    [Fact]
    public void An_invalid_value_falls_back_to_the_preset()
    {
        var provider = Provider(("SENDCAT_CAPACITY_TIER", "L"), ("ADMISSION_GLOBAL_MAX_INFLIGHT", "0"));

        Assert.Equal(1_200, provider.GetRequiredService<IOptionsMonitor<AdmissionOptions>>().CurrentValue.GlobalMaxInFlight);
        Assert.Equal("1200", Assert.Single(provider.GetRequiredService<KnobRegistry>().Rejected).UsedDefault);
    }

    [Fact]
    public void An_override_has_precedence_over_all_other_sources_and_reloads_the_options()
    {
        var provider = Provider(("ADMISSION_USER_MAX_INFLIGHT", "4"));
        var options = provider.GetRequiredService<IOptionsMonitor<AdmissionOptions>>();
        var observed = new List<int>();
        using var subscription = options.OnChange(now => observed.Add(now.UserMaxInFlight));
        Assert.Equal(4, options.CurrentValue.UserMaxInFlight);

        provider.GetRequiredService<KnobOverrides>().Replace([new("ADMISSION_USER_MAX_INFLIGHT", "9", "ann", default)]);
        Assert.Equal(9, options.CurrentValue.UserMaxInFlight);
        var registry = provider.GetRequiredService<KnobRegistry>();
        Assert.Equal(KnobSource.Override, registry.Read(registry.Find("ADMISSION_USER_MAX_INFLIGHT")!).Source);

        provider.GetRequiredService<KnobOverrides>().Replace([]);
        Assert.Equal(4, options.CurrentValue.UserMaxInFlight);
        Assert.Equal([9, 4], observed);
    }

    [Fact]
    public void A_configuration_change_reloads_the_options()
    {
        var configuration = Configuration(("ADMISSION_USER_MAX_INFLIGHT", "4"));
        var options = Provider(configuration).GetRequiredService<IOptionsMonitor<AdmissionOptions>>();
        Assert.Equal(4, options.CurrentValue.UserMaxInFlight);

        configuration["ADMISSION_USER_MAX_INFLIGHT"] = "5";
        configuration.Reload();

        Assert.Equal(5, options.CurrentValue.UserMaxInFlight);
    }

    [Fact]
    public void The_registry_redacts_secrets()
    {
        var registry = Provider(("ADMISSION_REDIS_TOKEN", "hunter2")).GetRequiredService<KnobRegistry>();

        Assert.Equal(Knob.Redacted, registry.Read(registry.Find("ADMISSION_REDIS_TOKEN")!).Value);
        Assert.DoesNotContain(registry.Read(), reading => reading.Value.Contains("hunter2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_strict_configuration_does_not_start_with_an_invalid_value()
    {
        await StartAsync(("RATE_LIMIT_CHAT_STREAM_MAX", "2000"));
        await StartAsync(("RATE_LIMIT_CHAT_STREAM_MAX", "2000"), ("SENDCAT_STRICT_CONFIG", "no"));

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(
            () => StartAsync(("RATE_LIMIT_CHAT_STREAM_MAX", "2000"), ("SENDCAT_STRICT_CONFIG", "yes")));
        Assert.Contains("RATE_LIMIT_CHAT_STREAM_MAX", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_strictness_that_is_no_boolean_is_rejected_and_counts_as_strict()
    {
        Assert.Equal(
            "SENDCAT_STRICT_CONFIG",
            Assert.Single(Provider(("SENDCAT_STRICT_CONFIG", "ture")).GetRequiredService<KnobRegistry>().Rejected).Name);

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(("SENDCAT_STRICT_CONFIG", "ture")));
        Assert.Contains("SENDCAT_STRICT_CONFIG=ture", refusal.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => StartAsync(("SENDCAT_STRICT_CONFIG", " "), ("Sendcat:Rollout:StrictConfig", "ture")));
    }

    private static async Task StartAsync(params (string, string)[] values)
    {
        foreach (var service in Provider(values).GetServices<IHostedService>().OfType<IHostedLifecycleService>())
        {
            await service.StartingAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public void Every_knob_has_a_short_name_a_description_and_a_valid_default()
    {
        var all = Provider().GetRequiredService<KnobRegistry>().All;

        Assert.All(all, knob => Assert.InRange(knob.Name.Length, 3, 40));
        Assert.All(all, knob => Assert.NotEmpty(knob.Description));
        Assert.All(all.Where(knob => knob.Default.Length > 0), knob => Assert.True(knob.TryParse(knob.Default, out _, out _), knob.Name));
        Assert.All(all.Where(knob => knob.Type == typeof(int) || knob.Type == typeof(long)), knob => Assert.NotEmpty(knob.Range));
    }

    [Fact]
    public void Adding_an_options_class_twice_registers_its_knobs_once()
    {
        var services = new ServiceCollection().AddSingleton<IConfiguration>(Configuration()).AddLogging().AddKnobs<RegionOptions>()
            .AddKnobs<RegionOptions>();

        Assert.Equal(3, services.BuildServiceProvider().GetRequiredService<KnobRegistry>().All.Count);
    }

    private static TOptions Options<TOptions>(params (string Name, string Value)[] values) =>
        Provider(values).GetRequiredService<IOptionsMonitor<TOptions>>().CurrentValue;

    internal static ServiceProvider Provider(params (string Name, string Value)[] values) => Provider(Configuration(values));

    private static ServiceProvider Provider(IConfigurationRoot configuration)
    {
        var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddLogging();
        Sendcat.Reliability.ReliabilityFeature.AddReliabilityKnobClasses(services);
        services.AddIntegrations().AddSingleton<ProviderCatalog>();
        return services.BuildServiceProvider();
    }

    private static IConfigurationRoot Configuration(params (string Name, string Value)[] values) =>
        new ConfigurationBuilder().AddInMemoryCollection(values.Select(it => KeyValuePair.Create(it.Name, (string?)it.Value))).Build();
}

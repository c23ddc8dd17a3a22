using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Knobs;

namespace Sendcat.UnitTests.Providers;

public class ProviderRouteOptionsTests
{
    [Fact]
    public async Task Values_are_read_by_their_knob_names()
    {
        await using var services = Services(
            ("CHAT_PROVIDER_PRIMARY_TIMEOUT_MS", "2000"), ("CHAT_PROVIDER_PRIMARY_RETRIES", "3"), ("CHAT_MODEL_FAST_PRIMARY", "a/b"),
            ("CHAT_DEFAULT_MODEL_CLASS", "fast"),
            ("CHAT_MODEL_CLASSES", "a/b=fast, c/d:free=agent"), ("OPENROUTER_HTTP_VERSION", "2"),
            ("OPENROUTER_BASE_URL", "http://127.0.0.1:5071/api/v1"));

        var knobs = services.GetRequiredService<IOptionsMonitor<ProviderRouteOptions>>().CurrentValue;
        var account = services.GetRequiredService<IOptionsMonitor<OpenRouterOptions>>().CurrentValue;

        Assert.Equal(
            (2000, 3, "a/b", "fast", "a/b=fast, c/d:free=agent", "2"),
            (knobs.PrimaryTimeoutMs, knobs.PrimaryRetries, knobs.FastPrimaryModel, knobs.DefaultModelClass, knobs.ModelClasses,
                account.HttpVersion));
        Assert.Equal("http://127.0.0.1:5071/api/v1", account.BaseUrl);
        Assert.Empty(services.GetRequiredService<KnobRegistry>().Rejected);
    }

    [Theory]
    [InlineData("CHAT_PROVIDER_PRIMARY_TIMEOUT_MS", "120001")]
    [InlineData("CHAT_PROVIDER_SECONDARY_RETRIES", "4")]
    [InlineData("CHAT_PROVIDER_IDLE_TIMEOUT_MS", "999")]
    [InlineData("CHAT_MODEL_AGENT_PRIMARY", "no spaces please")]
    [InlineData("CHAT_DEFAULT_MODEL_CLASS", "slow")]
    [InlineData("CHAT_MODEL_CLASSES", "a/b=slow")]
    [InlineData("OPENROUTER_HTTP_VERSION", "3")]
    [InlineData("OPENROUTER_BASE_URL", "ftp://x")]
    public async Task A_value_out_of_range_is_refused_and_the_default_stays(string name, string value)
    {
        await using var services = Services((name, value));

        Assert.Equivalent(new ProviderRouteOptions(), services.GetRequiredService<IOptionsMonitor<ProviderRouteOptions>>().CurrentValue);
        Assert.Equivalent(new OpenRouterOptions(), services.GetRequiredService<IOptionsMonitor<OpenRouterOptions>>().CurrentValue);
        Assert.Equal(name, Assert.Single(services.GetRequiredService<KnobRegistry>().Rejected).Name);
    }

    private static ServiceProvider Services(params (string Name, string Value)[] values) => new ServiceCollection()
        .AddSingleton<IConfiguration>(
            new ConfigurationBuilder().AddInMemoryCollection(values.ToDictionary(pair => pair.Name, pair => (string?)pair.Value)).Build())
        .AddLogging()
        .AddProviders()
        .BuildServiceProvider();
}

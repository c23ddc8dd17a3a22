using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using Sendcat.Integrations.Signing;

namespace Sendcat.ContractTests.Identity;

public sealed class SigningKeyTests
{
    [Theory]
    [InlineData("Production", null)]
    [InlineData("Staging", "")]
    [InlineData("Production", "too short")]
    [InlineData("Development", "too short")]
    public void A_missing_or_short_key_fails_the_start_and_the_error_explains_the_fix(string environment, string? key)
    {
        var failure = Assert.Throws<InvalidOperationException>(() => Load(environment, key));
        Assert.Contains("AUTH_SIGNING_KEY", failure.Message, StringComparison.Ordinal);
        Assert.Contains("openssl", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void In_development_a_key_is_generated_and_persisted() =>
        Assert.Equal(Load("Development", null).Derive("x"), Load("Development", null).Derive("x"));

    [Fact]
    public void Keys_for_different_purposes_differ()
    {
        var key = Load("Production", SendcatApi.SigningKey);
        Assert.NotEqual(key.Derive("anonymous-session"), key.Derive("password-reset"));
    }

    private static SigningKey Load(string environment, string? key) =>
        SigningKey.Load(
            new ConfigurationBuilder().AddInMemoryCollection([new("AUTH_SIGNING_KEY", key)]).Build(),
            new HostingEnvironment { EnvironmentName = environment });
}

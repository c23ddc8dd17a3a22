using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Http;

namespace Sendcat.ContractTests.Http;

/// <summary>Which client address is counted, with and without trusted proxies.</summary>
public sealed class ClientAddressTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("X-Forwarded-For", "203.0.113.9")]
    [InlineData("cf-connecting-ip", "203.0.113.9")]
    [InlineData("x-real-ip", "203.0.113.9")]
    public async Task Without_a_trusted_proxy_no_header_changes_the_counted_address(string header, string value)
    {
        Assert.Equal(["ip:127.0.0.1"], await CountedAsync("", (header, value)));
    }

    [Theory]
    [InlineData("203.0.113.9", "ip:203.0.113.9")]
    [InlineData("6.6.6.6, 203.0.113.9", "ip:203.0.113.9")]
    [InlineData("6.6.6.6, 203.0.113.9, 10.1.2.3", "ip:203.0.113.9")]
    [InlineData("2001:db8:1:2:3:4:5:6", "ip:2001:db8:1:2::/64", "4 x ip:2001:db8:1::/48")]
    [InlineData("::ffff:203.0.113.9", "ip:203.0.113.9")]
    [InlineData("127.0.0.1, 203.0.113.9", "ip:203.0.113.9")]
    [InlineData("nonsense", "ip:127.0.0.1")]
    public async Task Behind_trusted_proxies_the_first_untrusted_hop_from_the_right_is_counted(string forwarded, params string[] counted)
    {
        Assert.Equal(counted, await CountedAsync("127.0.0.0/8, 10.0.0.0/8", ("X-Forwarded-For", forwarded)));
    }

    [Fact]
    public async Task Loopback_is_exempt_in_Development_only()
    {
        Assert.Equal(["ip:127.0.0.1"], await CountedAsync("", ("x-forwarded-for", "127.0.0.1")));
        Assert.Equal([], await CountedAsync("", ("x-forwarded-for", "203.0.113.9"), "Development"));
        Assert.Equal(["ip:203.0.113.9"], await CountedAsync("127.0.0.0/8", ("X-Forwarded-For", "203.0.113.9"), "Development"));
    }

    [Fact]
    public async Task An_invalid_proxy_list_fails_the_start()
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(
            () => SendcatApi.StartAsync(postgres, new() { ["TRUSTED_PROXIES"] = "everybody" }));
        Assert.Contains("TRUSTED_PROXIES", failure.ToString(), StringComparison.Ordinal);
    }

    private async Task<List<string>> CountedAsync(string trusted, (string Name, string Value) header, string environment = "Production")
    {
        var counted = new List<string>();
        LimitCheck check = (_, _, keys, _) =>
        {
            counted.AddRange(keys.Select(key => key.Times == 1 ? key.Name : $"{key.Times} x {key.Name}"));
            return ValueTask.FromResult<TimeSpan?>(null);
        };
        await using var api = await SendcatApi.StartAsync(
            postgres, new() { ["TRUSTED_PROXIES"] = trusted, ["environment"] = environment }, services => services.AddSingleton(check));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/auth/anonymous");
        request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        Assert.Equal(HttpStatusCode.OK, (await api.Anyone.SendAsync(request)).StatusCode);
        return counted;
    }
}

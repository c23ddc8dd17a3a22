using System.Net;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.RateLimiting;
using StackExchange.Redis;

namespace Sendcat.ContractTests.Http;

/// <summary>The rate limit of reads per client address.</summary>
public sealed class ReadLimitTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Every_read_of_every_route_uses_the_read_budget_of_its_address()
    {
        LimitCheck check = (_, budget, keys, _) => ValueTask.FromResult<TimeSpan?>(
            budget == RequestBudget.Reading && keys[0].Name == "ip:127.0.0.1" ? TimeSpan.FromSeconds(2) : null);
        await using var api = await SendcatApi.StartAsync(postgres, services: services => services.AddSingleton(check));
        var paths = PathsOf(api);

        Assert.True(paths.Length > 20, $"Only {paths.Length} routes were found: does this test still look at the right place?");
        foreach (var path in paths.Append("/API/threads").Append("/api/nothing"))
        {
            using var response = await api.Anyone.GetAsync(path);
            Assert.True(response.StatusCode == HttpStatusCode.TooManyRequests, $"{path}: {(int)response.StatusCode}");
            await response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
            Assert.Equal(TimeSpan.FromSeconds(2), response.Headers.RetryAfter?.Delta);
        }

        using var head = await api.Anyone.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/api/threads"));
        using var health = await api.Anyone.GetAsync("/health");
        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.OK), (head.StatusCode, health.StatusCode));
    }

    [Fact]
    public async Task Excess_reads_are_rejected_in_process_and_other_addresses_are_not_affected()
    {
        await using var api = await SendcatApi.StartAsync(
            postgres, new() { ["TRUSTED_PROXIES"] = "127.0.0.0/8", ["READS_PER_ADDRESS_PER_MIN"] = "5" });
        var admitted = 0;
        for (var n = 0; n < 50; n++)
        {
            using var response = await ReadAsync(api, "203.0.113.7");
            admitted += response.StatusCode == HttpStatusCode.Unauthorized ? 1 : 0;
        }

        using var other = await ReadAsync(api, "203.0.113.8");

        Assert.Equal(5, admitted);
        Assert.Equal(HttpStatusCode.Unauthorized, other.StatusCode);
        Assert.Equal("5", await CountAsync(api, "ip%3A203.0.113.7"));
    }

    [Fact]
    public async Task One_network_has_four_times_the_budget_of_one_address()
    {
        await using var api = await SendcatApi.StartAsync(
            postgres, new() { ["TRUSTED_PROXIES"] = "127.0.0.0/8", ["READS_PER_ADDRESS_PER_MIN"] = "5" });
        var admitted = 0;
        for (var n = 0; n < 30; n++)
        {
            using var response = await ReadAsync(api, $"2001:db8:1:{n:x}::1");
            admitted += response.StatusCode == HttpStatusCode.Unauthorized ? 1 : 0;
        }

        Assert.Equal(20, admitted);
    }

    [Fact]
    public async Task Replicas_share_the_budget()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["READS_PER_ADDRESS_PER_MIN"] = "5" });
        // The part of the budget that another replica has used.
        await api.Services.GetRequiredService<RateLimiter>()
            .CheckAsync(RateLimitBucket.Reads, [new("ip:127.0.0.1")], CancellationToken.None, cost: 4);

        using var first = await api.Anyone.GetAsync("/api/threads");
        using var second = await api.Anyone.GetAsync("/api/threads");

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests), (first.StatusCode, second.StatusCode));
    }

    private static async Task<HttpResponseMessage> ReadAsync(SendcatApi api, string address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/threads") { Headers = { { "X-Forwarded-For", address } } };
        return await api.Anyone.SendAsync(request);
    }

    private static async Task<string> CountAsync(SendcatApi api, string address)
    {
        var counted = (string)(await api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase()
            .StringGetAsync($"limit:reads:{address}"))!;
        return counted.Split(' ') is [_, var current, var previous] ? $"{int.Parse(current) + int.Parse(previous)}" : counted;
    }

    private static string[] PathsOf(SendcatApi api) =>
    [
        .. from endpoint in api.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
           where endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains("GET") is true
           let path = string.Join(
               '/',
               endpoint.RoutePattern.PathSegments.Select(
                   segment => string.Concat(
                       segment.Parts.Select(
                           part => part is Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal ? literal.Content : "x"))))
           where path.StartsWith("api/", StringComparison.Ordinal)
           select $"/{path}",
    ];
}

using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Events;

namespace Sendcat.ContractTests.Http;

/// <summary>The rate limits of requests per client address and per principal, and their events.</summary>
public sealed class RequestLimitsTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData(RequestBudget.AnonymousSession, "POST", "/api/auth/anonymous")]
    [InlineData(RequestBudget.Registration, "POST", "/api/auth/register")]
    [InlineData(RequestBudget.SignIn, "POST", "/api/auth/login")]
    [InlineData(RequestBudget.SignIn, "POST", "/api/auth/refresh")]
    [InlineData(RequestBudget.SignIn, "POST", "/api/auth/logout")]
    [InlineData(RequestBudget.PasswordReset, "POST", "/api/auth/forgot-password")]
    [InlineData(RequestBudget.ThreadCreate, "POST", "/api/threads")]
    [InlineData(RequestBudget.Shopping, "POST", "/api/packages/seed")]
    [InlineData(RequestBudget.Writing, "POST", "/api/threads/x/messages")]
    [InlineData(RequestBudget.Writing, "DELETE", "/api/threads/x/messages")]
    [InlineData(RequestBudget.Writing, "GET", "/api/threads/x/export")]
    [InlineData(RequestBudget.Writing, "POST", "/api/threads/x/share")]
    [InlineData(RequestBudget.Writing, "POST", "/api/threads/claim")]
    [InlineData(RequestBudget.Writing, "PATCH", "/api/threads/x")]
    [InlineData(RequestBudget.Writing, "DELETE", "/api/threads/x")]
    [InlineData(RequestBudget.Writing, "PUT", "/api/profile")]
    public async Task An_exhausted_address_budget_is_429_with_retry_after(string budget, string method, string path)
    {
        LimitCheck check = (_, name, keys, _) => ValueTask.FromResult<TimeSpan?>(
            name == budget && keys[0].Name.StartsWith("ip:", StringComparison.Ordinal) ? TimeSpan.FromMilliseconds(2_300) : null);
        await using var api = await SendcatApi.StartAsync(postgres, services: services => services.AddSingleton(check));

        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = method == "GET" ? null : "{}".AsJson() };
        using var response = await api.Anyone.SendAsync(request);

        await response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.Equal(TimeSpan.FromSeconds(3), response.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task A_new_session_does_not_refill_the_address_budget_and_each_principal_has_its_own()
    {
        var checks = new List<(string Budget, string Key)>();
        LimitCheck check = (_, budget, keys, _) =>
        {
            checks.Add((budget, Assert.Single(keys).Name));
            return ValueTask.FromResult<TimeSpan?>(null);
        };
        await using var api = await SendcatApi.StartAsync(postgres, services: services => services.AddSingleton(check));

        await (await api.WithSession("first").PostAsJsonAsync("/api/threads", new { })).JsonAsync();
        await (await api.WithSession("second").PostAsJsonAsync("/api/threads", new { })).JsonAsync();

        Assert.Equal(
            [
                (RequestBudget.ThreadCreate, "ip:127.0.0.1"), (RequestBudget.ThreadCreate, "session:first"),
                (RequestBudget.ThreadCreate, "ip:127.0.0.1"), (RequestBudget.ThreadCreate, "session:second"),
            ],
            checks);
    }

    [Fact]
    public async Task A_rate_limit_rejection_is_persisted_with_route_and_method_also_for_the_chat_limiter()
    {
        await using var api = await SendcatApi.StartAsync(
            postgres, new() { ["TRUSTED_PROXIES"] = "127.0.0.0/8", ["RATE_LIMIT_AUTH_MAX"] = "1", ["RATE_LIMIT_CHAT_IP_MAX"] = "1" });
        foreach (var (method, path, address) in new[]
        {
            ("POST", "/api/auth/refresh", "203.0.113.7"), ("POST", "/api/chat", "203.0.113.7"),
            ("DELETE", $"/api/threads/{Guid.NewGuid():D}", "203.0.113.8"),
        })
        {
            Assert.NotEqual(HttpStatusCode.TooManyRequests, await StatusAsync(api, method, path, address));
            Assert.Equal(HttpStatusCode.TooManyRequests, await StatusAsync(api, method, path, address));
        }

        // StopAsync writes the buffered events.
        await api.Services.GetRequiredService<RateLimitEvents>().StopAsync(CancellationToken.None);

        Assert.Equal(
            [
                "chat_http chat_ip chat_ip:ip:203.0.113.7 blocked POST /api/chat",
                "http auth auth:ip:203.0.113.7 blocked POST /api/auth/refresh",
                "http chat_ip chat_ip:ip:203.0.113.8 blocked DELETE /api/threads/{id}",
            ],
            await api.ScalarAsync<string[]>(
                "select array_agg(line order by line) from (select concat_ws(' ', source, bucket, key, outcome, method, path) as line "
                + "from reliability.rate_limit_events) as lines"));
    }

    private static async Task<HttpStatusCode> StatusAsync(SendcatApi api, string method, string path, string address)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Content = "{}".AsJson(), Headers = { { "X-Forwarded-For", address } },
        };
        using var response = await api.Anyone.SendAsync(request);
        return response.StatusCode;
    }
}

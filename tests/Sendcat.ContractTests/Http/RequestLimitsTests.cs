using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Http;

namespace Sendcat.ContractTests.Http;

public sealed class RequestLimitsTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData(Budget.AnonymousSession, "/api/auth/anonymous")]
    [InlineData(Budget.Registration, "/api/auth/register")]
    [InlineData(Budget.SignIn, "/api/auth/login")]
    [InlineData(Budget.PasswordReset, "/api/auth/forgot-password")]
    [InlineData(Budget.ThreadCreate, "/api/threads")]
    [InlineData(Budget.Shopping, "/api/packages/seed")]
    public async Task A_spent_budget_of_an_address_is_429_with_a_time_to_wait(string budget, string path)
    {
        LimitCheck check = (name, key, _) => ValueTask.FromResult<TimeSpan?>(name == budget && key.StartsWith("ip:", StringComparison.Ordinal) ? TimeSpan.FromMilliseconds(2_300) : null);
        await using var api = await SendcatApi.StartAsync(postgres, services: services => services.AddSingleton(check));

        using var response = await api.Anyone.PostAsync(path, "{}".AsJson());

        await response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.Equal(TimeSpan.FromSeconds(3), response.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task A_fresh_session_does_not_refill_the_budget_of_its_address_and_one_principal_has_its_own()
    {
        var drawn = new List<(string Budget, string Key)>();
        LimitCheck check = (budget, key, _) =>
        {
            drawn.Add((budget, key));
            return ValueTask.FromResult<TimeSpan?>(null);
        };
        await using var api = await SendcatApi.StartAsync(postgres, services: services => services.AddSingleton(check));

        await (await api.WithSession("first").PostAsJsonAsync("/api/threads", new { })).JsonAsync();
        await (await api.WithSession("second").PostAsJsonAsync("/api/threads", new { })).JsonAsync();

        Assert.Equal(
            [(Budget.ThreadCreate, "ip:127.0.0.1"), (Budget.ThreadCreate, "session:first"), (Budget.ThreadCreate, "ip:127.0.0.1"), (Budget.ThreadCreate, "session:second")],
            drawn);
    }
}

using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Sendcat.ContractTests.Http;

/// <summary>Error responses for wrong routes, exceptions and an unreachable database.</summary>
public sealed class FaultsTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    [Theory]
    [InlineData("PUT", "/api/threads")]
    [InlineData("DELETE", "/api/threads")]
    [InlineData("GET", "/api/auth/login")]
    [InlineData("PATCH", "/api/auth/anonymous")]
    [InlineData("POST", "/api/threads/0199b1a0-0000-7000-8000-000000000000/export")]
    public async Task The_wrong_method_of_a_known_route_is_405(string method, string path)
    {
        using var response = await Api.Anyone.SendAsync(new(new HttpMethod(method), path));
        await response.RefusedAsync(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
        Assert.NotEmpty(response.Content.Headers.Allow);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/api")]
    [InlineData("/api/nowhere")]
    [InlineData("/api/threads/a/b/c/d")]
    [InlineData("/.env")]
    public async Task An_unknown_route_is_404(string path) =>
        await (await Api.Anyone.GetAsync(path)).RefusedAsync(HttpStatusCode.NotFound, "not_found");

    [Fact]
    public async Task An_unhandled_exception_is_500_without_its_details()
    {
        await using var faulty = await SendcatApi.StartAsync(
            Postgres,
            services: services =>
                services.AddSingleton<IStartupFilter>(new ThrowingStartupFilter(new InvalidOperationException("secret insides"))));
        var text = await (await faulty.Anyone.GetAsync("/boom")).RefusedAsync(HttpStatusCode.InternalServerError, "internal_error");
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("23503")]
    [InlineData("23505")]
    public async Task A_constraint_violation_by_a_concurrent_request_is_409(string state)
    {
        var violation = new DbUpdateException("insides", new PostgresException("insides", "ERROR", "ERROR", state));
        await using var raced = await SendcatApi.StartAsync(
            Postgres, services: services => services.AddSingleton<IStartupFilter>(new ThrowingStartupFilter(violation)));
        await (await raced.Anyone.GetAsync("/boom")).RefusedAsync(HttpStatusCode.Conflict, "conflict");
    }

    [Fact]
    public async Task An_unreachable_database_is_503_and_recovers_without_a_restart()
    {
        await using var own = new PostgresFixture();
        await own.InitializeAsync();
        await using var other = await SendcatApi.StartAsync(own);
        var guest = await other.GuestAsync();
        Assert.Equal(HttpStatusCode.OK, (await guest.GetAsync("/api/threads")).StatusCode);

        await own.StopAsync();
        using var read = await guest.GetAsync("/api/threads");
        using var write = await guest.PostAsync("/api/threads", "{}".AsJson());
        await own.StartAsync();
        using var back = await guest.PostAsync("/api/threads", "{}".AsJson());

        await read.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
        await write.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
        Assert.Equal(TimeSpan.FromSeconds(1), write.Headers.RetryAfter?.Delta);
        Assert.Equal(HttpStatusCode.Created, back.StatusCode);
    }

    [Fact]
    public async Task A_broken_schema_is_500_and_not_reported_as_a_busy_service()
    {
        await using var broken = await SendcatApi.StartAsync(Postgres);
        var guest = await broken.GuestAsync();
        var thread = (string)(await (await guest.PostAsync("/api/threads", "{}".AsJson())).JsonAsync())["id"]!;
        await broken.ExecuteAsync("ALTER TABLE messages RENAME TO misplaced; ALTER TABLE threads RENAME TO mislaid");

        foreach (var response in new[]
        {
            await guest.PostAsync("/api/chat", $$"""{"threadId":"{{thread}}"}""".AsJson()),
            await guest.GetAsync($"/api/chat/{thread}/stream"),
            await guest.PostAsync($"/api/threads/{thread}/abort", null),
            await guest.GetAsync("/api/threads"),
        })
        {
            await response.RefusedAsync(HttpStatusCode.InternalServerError, "internal_error");
        }
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    [InlineData("/api/chat/health")]
    public async Task HEAD_of_a_health_address_answers_as_GET(string path)
    {
        using var get = await Api.Anyone.GetAsync(path);
        using var head = await Api.Anyone.SendAsync(new(HttpMethod.Head, path));

        Assert.Equal((get.StatusCode, get.Headers.CacheControl?.ToString()), (head.StatusCode, head.Headers.CacheControl?.ToString()));
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_truncated_body_does_not_affect_other_requests()
    {
        var address = Api.Anyone.BaseAddress!;
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(address.Host, address.Port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                $"POST /api/threads HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nContent-Length: "
                + $"100\r\n\r\n{{\"title\""));
        }

        Assert.Equal(HttpStatusCode.OK, (await Api.Anyone.PostAsync("/api/auth/anonymous", null)).StatusCode);
    }

    private sealed class ThrowingStartupFilter(Exception exception) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            next(app);
            app.Use((HttpContext http, RequestDelegate _) => http.Request.Path == "/boom" ? throw exception : Task.CompletedTask);
        };
    }
}

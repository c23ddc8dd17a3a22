using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.ContractTests.Attachments;

namespace Sendcat.ContractTests.Http;

/// <summary>
/// Postgres is suspended: it accepts connections and responds to nothing. Requests are refused within their time instead of waiting for the
/// timeouts of the client library.
/// </summary>
public sealed class FrozenPostgresTests(PostgresFixture postgres)
{
    /// <summary>Far more than the configured timeouts, and less than those of the client library.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(25);

    [Fact]
    public async Task Requests_are_refused_in_time_and_served_again_at_once_after_the_freeze()
    {
        await using var own = new PostgresFixture();
        await own.InitializeAsync();
        using var logs = new FakeLoggerProvider();
        await using var api = await SendcatApi.StartAsync(
            own,
            new()
            {
                ["POSTGRES_GATE_TIMEOUT_MS"] = "500", ["POSTGRES_STATEMENT_TIMEOUT_MS"] = "2500", ["RATE_LIMIT_THREAD_CREATE_MAX"] = "1000",
            },
            services => services.AddLogging(logging => logging.AddProvider(logs).SetMinimumLevel(LogLevel.Information)));
        var (user, _) = await api.UserAsync();
        var guest = await api.GuestAsync();
        var thread = (string)(await (await guest.PostAsync("/api/threads", "{}".AsJson())).JsonAsync())["id"]!;
        Func<Task<HttpResponseMessage>>[] requests =
        [
            () => guest.PostAsync("/api/chat", $$"""{"threadId":"{{thread}}"}""".AsJson()),
            () => guest.PostAsync(
                "/api/chat",
                $$"""{"id":"{{thread}}","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"hi"}]}]}""".AsJson()),
            () => guest.GetAsync($"/api/chat/{thread}/stream"),
            () => guest.PostAsync($"/api/threads/{thread}/abort", null),
            () => guest.GetAsync("/api/threads"),
            () => guest.PostAsync("/api/threads", "{}".AsJson()),
            () => guest.PostAsync($"/api/threads/{thread}/messages", """{"content":"hi"}""".AsJson()),
            () => guest.DeleteAsync($"/api/threads/{thread}"),
            () => api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "ann@example.com", password = "correct horse 1" }),
            () => api.Anyone.PostAsJsonAsync("/api/auth/register", new { email = "bea@example.com", password = "correct horse 1" }),
            () => user.GetAsync("/api/profile"),
            () => user.GetAsync("/api/favorites"),
            () => user.GetAsync("/api/packages"),
        ];
        var file = await FileApi.UploadAsync(guest, FileApi.Png());
        Func<Task<HttpResponseMessage>>[] others =
        [
            () => guest.GetAsync($"/api/threads/{thread}/messages"),
            () => guest.GetAsync($"/api/threads/{thread}/export"),
            () => guest.GetAsync($"/api/threads/{thread}/events"),
            () => guest.PostAsync($"/api/threads/{thread}/share", "{}".AsJson()),
            () => guest.PostAsync(
                $"/api/threads/{thread}/messages", $$"""{"content":"hi","attachments":[{"storageId":"{{file}}"}]}""".AsJson()),
            () => FileApi.PostAsync(guest, FileApi.Png()),
            () => guest.GetAsync($"/api/attachments/{file}"),
            () => guest.DeleteAsync($"/api/attachments/{file}"),
            () => user.PatchAsync("/api/profile", """{"fullName":"Ann"}""".AsJson()),
            () => user.PostAsync(
                "/api/auth/change-password", """{"currentPassword":"correct horse 1","newPassword":"correct horse 2"}""".AsJson()),
            () => user.PostAsJsonAsync("/api/favorites/toggle", new { type = "product", externalId = "1", item = new { } }),
        ];

        await own.FreezeAsync();
        // More requests than the pools have connections, so that most of them wait for a connection.
        var refused = await Task.WhenAll(Enumerable.Repeat(requests, 6).SelectMany(all => all).Concat(others).Select(send => send()))
            .WaitAsync(MaxWait);
        await own.UnfreezeAsync();

        foreach (var response in refused)
        {
            await response.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
            Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter?.Delta);
        }

        Assert.Equal(HttpStatusCode.OK, (await guest.GetAsync("/api/threads")).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await guest.PostAsync("/api/threads", "{}".AsJson())).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await user.GetAsync("/api/profile")).StatusCode);

        // All refused requests together are one line, and their end is another one.
        using var timeout = new CancellationTokenSource(MaxWait);
        while (!Lines(2901).Any(IsOfPostgres))
        {
            Assert.Equal(HttpStatusCode.OK, (await guest.GetAsync("/api/threads")).StatusCode);
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, timeout.Token);
        }

        Assert.Empty(Lines(1001, 1303, 2708, 2709));
        Assert.Single(Lines(2900), IsOfPostgres);
        Assert.Single(Lines(2901), IsOfPostgres);

        static bool IsOfPostgres(string line) => line.StartsWith("Postgres ", StringComparison.Ordinal);

        IEnumerable<string> Lines(params int[] ids) =>
            logs.Collector.GetSnapshot().Where(entry => ids.Contains(entry.Id.Id)).Select(entry => entry.Message);
    }

    [Fact]
    public async Task The_server_ends_a_statement_by_itself()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["POSTGRES_STATEMENT_TIMEOUT_MS"] = "700" });
        await using var scope = api.Services.CreateAsyncScope();

        await using var command = api.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("SHOW statement_timeout");
        var ofPool = await command.ExecuteScalarAsync();
        var ofContext = await scope.ServiceProvider.GetRequiredService<SendcatDb>().Database
            .SqlQueryRaw<string>("SELECT current_setting('statement_timeout') AS \"Value\"").SingleAsync();

        Assert.Equal(("700ms", "700ms"), (ofPool, ofContext));
    }
}

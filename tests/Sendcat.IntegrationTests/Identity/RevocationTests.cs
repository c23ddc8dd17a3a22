using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Identity;

/// <summary>A revoked sign-in stays revoked: on every replica, within five seconds, with and without Redis.</summary>
public sealed class RevocationTests(SharedStores stores)
{
    private const string Email = "ann@example.com";
    private const string Password = "correct horse 1";

    /// <summary>
    /// The documented maximum until every replica rejects a revoked sign-in. It is measured from the response to the revocation, because
    /// the request itself may be slow: all tests share two cores.
    /// </summary>
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_logout_revokes_access_on_every_replica()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2);
        using var first = At(sendcat.Replicas[0]);
        using var second = At(sendcat.Replicas[1]);
        var tokens = await SignInAsync(first);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(second, tokens));

        await PostAsync(first, "logout", new { refreshToken = tokens.Refresh });

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(first, tokens));
        await RejectsWithinMaxDelayAsync(second, tokens);
    }

    [Fact]
    public async Task Without_Redis_revoked_tokens_stay_revoked_and_a_logout_takes_effect_within_five_seconds()
    {
        await using var redis = await RedisServer.StartAsync();
        var postgres = await stores.PostgresAsync();
        await using var sendcat = await SendcatSystem.StartAsync(
            redis.ConnectionString, await MigratedDatabase.CreateAsync(postgres), replicas: 2);
        using var first = At(sendcat.Replicas[0]);
        using var second = At(sendcat.Replicas[1]);
        var before = await SignInAsync(first);
        var during = await SignInAsync(first);
        var active = await SignInAsync(first);
        await PostAsync(first, "logout", new { refreshToken = before.Refresh });
        await RejectsWithinMaxDelayAsync(second, before);

        await redis.KillAsync();
        await PostAsync(first, "logout", new { refreshToken = during.Refresh });

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(first, during));
        await RejectsWithinMaxDelayAsync(second, during);
        using var third = At(await sendcat.AddReplicaAsync());
        foreach (var replica in new[] { first, second, third })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(replica, before));
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(replica, during));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(replica, active));
        }

        await redis.StartAgainAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(second, before));
    }

    [Fact]
    public async Task A_logout_ends_a_stream_on_another_replica()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2);
        using var first = At(sendcat.Replicas[0]);
        using var second = At(sendcat.Replicas[1]);
        var tokens = await SignInAsync(first);
        second.DefaultRequestHeaders.Authorization = new("Bearer", tokens.Access);
        var thread = await IdAsync(await second.PostAsJsonAsync("/api/threads", new { title = "test" }));
        await IdAsync(await second.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = "[[emu chunks=600 every=100ms]]" }));
        await using var stream = new ChatStream(await second.SendAsync(
            new(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(new { threadId = thread }) },
            HttpCompletionOption.ResponseHeadersRead));
        await stream.ReadUntilAsync("content");

        await PostAsync(first, "logout", new { refreshToken = tokens.Refresh });

        var startedAt = TimeProvider.System.GetTimestamp();
        var events = await stream.ReadToEndAsync();
        Assert.InRange(TimeProvider.System.GetElapsedTime(startedAt), TimeSpan.Zero, MaxDelay);
        Assert.Equal("signed_out", events[^1].GetProperty("code").GetString());
        Assert.DoesNotContain("done", stream.Types);
    }

    [Fact]
    public async Task Two_replicas_return_the_same_successor_token_and_a_later_reuse_revokes_the_sign_in_on_both()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2);
        using var first = At(sendcat.Replicas[0]);
        using var second = At(sendcat.Replicas[1]);
        var tokens = await SignInAsync(first);

        var successors = await Task.WhenAll(RefreshAsync(first, tokens.Refresh), RefreshAsync(second, tokens.Refresh));
        Assert.Equal(successors[0].Refresh, successors[1].Refresh);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(first, successors[1]));

        await using (var database = Npgsql.NpgsqlDataSource.Create(sendcat.Database))
        await using (var command = database.CreateCommand("update refresh_tokens set used_at = used_at - interval '11 seconds'"))
        {
            await command.ExecuteNonQueryAsync();
        }

        using (var reused = await second.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = tokens.Refresh }))
        {
            await reused.RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }

        await RejectsWithinMaxDelayAsync(first, successors[0]);
        await RejectsWithinMaxDelayAsync(second, successors[1]);
        using var successor = await first.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = successors[0].Refresh });
        Assert.Equal(HttpStatusCode.Unauthorized, successor.StatusCode);
    }

    private static async Task<string> IdAsync(HttpResponseMessage response)
    {
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    private static HttpClient At(Replica replica) => new() { BaseAddress = replica.Address };

    /// <summary>Polls until the replica rejects the token: replicas publish no signal that a revocation has taken effect.</summary>
    private static async Task RejectsWithinMaxDelayAsync(HttpClient replica, Tokens tokens)
    {
        var startedAt = TimeProvider.System.GetTimestamp();
        await Eventually.TrueAsync(async () => await StatusAsync(replica, tokens) == HttpStatusCode.Unauthorized);
        Assert.InRange(TimeProvider.System.GetElapsedTime(startedAt), TimeSpan.Zero, MaxDelay);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient replica, Tokens tokens)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/auth/me")
        {
            Headers = { Authorization = new("Bearer", tokens.Access) },
        };
        using var response = await replica.SendAsync(request);
        return response.StatusCode;
    }

    private static async Task<Tokens> SignInAsync(HttpClient replica)
    {
        await PostAsync(replica, "register", new { email = Email, password = Password });
        return Tokens.Of(await PostAsync(replica, "login", new { email = Email, password = Password }));
    }

    private static async Task<Tokens> RefreshAsync(HttpClient replica, string refreshToken) =>
        Tokens.Of(await PostAsync(replica, "refresh", new { refreshToken }));

    private static async Task<string> PostAsync(HttpClient replica, string endpoint, object body)
    {
        using var response = await replica.PostAsJsonAsync($"/api/auth/{endpoint}", body);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsStringAsync();
    }

    private sealed record Tokens(string Access, string Refresh)
    {
        public static Tokens Of(string json)
        {
            var body = JsonDocument.Parse(json).RootElement;
            return new(body.GetProperty("accessToken").GetString()!, body.GetProperty("refreshToken").GetString()!);
        }
    }
}

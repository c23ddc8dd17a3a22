using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Identity;

/// <summary>Who was thrown out stays out: on every replica, soon, and whatever happens to Redis.</summary>
public sealed class RevocationTests(SharedStores stores)
{
    private const string Email = "ann@example.com";
    private const string Password = "correct horse 1";

    /// <summary>What is promised. The replicas share two cores with everything else that is tested, so the clock starts when the request was answered.</summary>
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_logout_ends_access_on_every_replica()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2);
        using var first = At(sendcat.Replicas[0]);
        using var second = At(sendcat.Replicas[1]);
        var tokens = await SignInAsync(first);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(second, tokens));

        await PostAsync(first, "logout", new { refreshToken = tokens.Refresh });

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(first, tokens));
        await EndsAsync(second, tokens);
    }

    [Fact]
    public async Task Redis_that_is_away_readmits_nobody_and_delays_nothing_beyond_five_seconds()
    {
        await using var redis = await RedisServer.StartAsync();
        var postgres = await stores.PostgresAsync();
        await using var sendcat = await SendcatSystem.StartAsync(redis.ConnectionString, await MigratedDatabase.CreateAsync(postgres), replicas: 2);
        using var first = At(sendcat.Replicas[0]);
        using var second = At(sendcat.Replicas[1]);
        var before = await SignInAsync(first);
        var during = await SignInAsync(first);
        var stays = await SignInAsync(first);
        await PostAsync(first, "logout", new { refreshToken = before.Refresh });
        await EndsAsync(second, before);

        await redis.KillAsync();
        await PostAsync(first, "logout", new { refreshToken = during.Refresh });

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(first, during));
        await EndsAsync(second, during);
        using var third = At(await sendcat.AddReplicaAsync());
        foreach (var replica in new[] { first, second, third })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(replica, before));
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(replica, during));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(replica, stays));
        }

        await redis.StartAgainAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(second, before));
    }

    [Fact]
    public async Task A_stream_that_is_being_read_on_another_replica_is_cut_off()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2);
        using var first = At(sendcat.Replicas[0]);
        using var second = At(sendcat.Replicas[1]);
        var tokens = await SignInAsync(first);
        second.DefaultRequestHeaders.Authorization = new("Bearer", tokens.Access);
        var thread = await IdAsync(await second.PostAsJsonAsync("/api/threads", new { title = "test" }));
        await IdAsync(await second.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = "[[emu chunks=600 every=100ms]]" }));
        await using var stream = new ChatStream(await second.SendAsync(
            new(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(new { threadId = thread }) }, HttpCompletionOption.ResponseHeadersRead));
        await stream.UntilAsync("content");

        await PostAsync(first, "logout", new { refreshToken = tokens.Refresh });

        var began = TimeProvider.System.GetTimestamp();
        await Assert.ThrowsAnyAsync<Exception>(stream.ToEndAsync);
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, Promised);
        Assert.DoesNotContain("done", stream.Types);
    }

    [Fact]
    public async Task Two_replicas_give_the_same_successor_and_both_forget_a_family_whose_token_is_used_again_later()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2);
        using var first = At(sendcat.Replicas[0]);
        using var second = At(sendcat.Replicas[1]);
        var tokens = await SignInAsync(first);

        var answers = await Task.WhenAll(RefreshAsync(first, tokens.Refresh), RefreshAsync(second, tokens.Refresh));
        Assert.Equal(answers[0].Refresh, answers[1].Refresh);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(first, answers[1]));

        await using (var database = Npgsql.NpgsqlDataSource.Create(sendcat.Database))
        await using (var command = database.CreateCommand("update refresh_tokens set used_at = used_at - interval '11 seconds'"))
        {
            await command.ExecuteNonQueryAsync();
        }

        using (var reused = await second.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = tokens.Refresh }))
        {
            await reused.RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }

        await EndsAsync(first, answers[0]);
        await EndsAsync(second, answers[1]);
        using var successor = await first.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = answers[0].Refresh });
        Assert.Equal(HttpStatusCode.Unauthorized, successor.StatusCode);
    }

    private static async Task<string> IdAsync(HttpResponseMessage answer)
    {
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    private static HttpClient At(Replica replica) => new() { BaseAddress = replica.Address };

    private static async Task EndsAsync(HttpClient replica, Tokens tokens)
    {
        var began = TimeProvider.System.GetTimestamp();
        await Eventually.TrueAsync(async () => await StatusAsync(replica, tokens) == HttpStatusCode.Unauthorized);
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, Promised);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient replica, Tokens tokens)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/auth/me") { Headers = { Authorization = new("Bearer", tokens.Access) } };
        using var answer = await replica.SendAsync(request);
        return answer.StatusCode;
    }

    private static async Task<Tokens> SignInAsync(HttpClient replica)
    {
        await PostAsync(replica, "register", new { email = Email, password = Password });
        return Tokens.Of(await PostAsync(replica, "login", new { email = Email, password = Password }));
    }

    private static async Task<Tokens> RefreshAsync(HttpClient replica, string refreshToken) => Tokens.Of(await PostAsync(replica, "refresh", new { refreshToken }));

    private static async Task<string> PostAsync(HttpClient replica, string endpoint, object body)
    {
        using var answer = await replica.PostAsJsonAsync($"/api/auth/{endpoint}", body);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadAsStringAsync();
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

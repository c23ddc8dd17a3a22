using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Identity.Tokens;

namespace Sendcat.ContractTests.Identity;

/// <summary>Revocation of a sign-in: all refresh and access tokens of one family.</summary>
public sealed class RevokedFamilyTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Sign_out_revokes_one_sign_in_and_leaves_the_others_valid()
    {
        var api = await postgres.ApiAsync();
        var (phone, tokens) = await api.UserAsync("devices@example.com");
        var laptop = api.WithBearer(
            (string)(await (await api.Anyone.PostAsJsonAsync(
                "/api/auth/login", new { email = "devices@example.com", password = "correct horse 1" })).JsonAsync())["accessToken"]!);

        await api.Anyone.PostAsJsonAsync("/api/auth/logout", new { refreshToken = (string)tokens["refreshToken"]! });

        await (await phone.GetAsync("/api/threads")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(HttpStatusCode.OK, (await laptop.GetAsync("/api/threads")).StatusCode);
    }

    [Fact]
    public async Task A_revocation_by_another_replica_takes_effect_without_a_signal()
    {
        await using var api = await SendcatApi.StartAsync(postgres);
        var (user, tokens) = await api.UserAsync();
        await api.ExecuteAsync($"insert into revoked_families (family_id, revoked_at) values ('{FamilyOf(api, tokens)}', now())");

        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while ((await user.GetAsync("/api/threads")).StatusCode == HttpStatusCode.OK)
        {
            await poll.WaitForNextTickAsync(timeout.Token);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, (await user.GetAsync("/api/threads")).StatusCode);
    }

    [Fact]
    public async Task Revocation_rows_whose_access_tokens_have_expired_are_deleted()
    {
        await using var api = await SendcatApi.StartAsync(postgres);
        await api.ExecuteAsync(
            "insert into revoked_families (family_id, revoked_at) "
            + "values (gen_random_uuid(), now() - interval '3 hours'), (gen_random_uuid(), now() - interval '1 hour')");

        await api.Services.GetRequiredService<RevokedFamilyWatch>().StartingAsync(CancellationToken.None);

        Assert.Equal(1, await api.ScalarAsync<long>("select count(*) from revoked_families"));
        Assert.Equal(1, api.Services.GetRequiredService<RevokedFamilies>().Count);
    }

    [Fact]
    public async Task A_refresh_concurrent_with_a_sign_out_leaves_no_valid_token()
    {
        var api = await postgres.ApiAsync();
        for (var round = 0; round < 5; round++)
        {
            var (_, tokens) = await api.UserAsync($"out-race-{round}@example.com");
            var refreshToken = (string)tokens["refreshToken"]!;
            var refresh = api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken });
            var signOut = api.Anyone.PostAsJsonAsync("/api/auth/logout", new { refreshToken });
            await Task.WhenAll(refresh, signOut);

            if ((await refresh).StatusCode == HttpStatusCode.OK)
            {
                var next = await (await refresh).JsonAsync();
                await (await api.WithBearer((string)next["accessToken"]!).GetAsync("/api/auth/me"))
                    .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
                await (await api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = (string)next["refreshToken"]! }))
                    .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
            }
        }
    }

    private static Guid FamilyOf(SendcatApi api, System.Text.Json.Nodes.JsonNode tokens) =>
        api.Services.GetRequiredService<AccessTokens>().Read((string)tokens["accessToken"]!)!.Value.Family;
}

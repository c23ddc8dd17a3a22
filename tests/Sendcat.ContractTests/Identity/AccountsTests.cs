using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Identity.Tokens;
using Sendcat.Integrations.Signing;

namespace Sendcat.ContractTests.Identity;

/// <summary>Registration, sign-in, refresh and sign-out over HTTP.</summary>
public sealed class AccountsTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    [Fact]
    public async Task A_registered_user_can_sign_in_and_has_a_profile()
    {
        var (user, tokens) = await Api.UserAsync("Mary.Seacole@example.com");

        Assert.Equal("Bearer", (string)tokens["tokenType"]!);
        Assert.Equal(3600, (int)tokens["expiresIn"]!);
        Assert.Equal("Mary.Seacole@example.com", (string)(await (await user.GetAsync("/api/auth/me")).JsonAsync())["email"]!);
        Assert.Equal("Mary.Seacole", (string)(await (await user.GetAsync("/api/profile")).JsonAsync())["fullName"]!);
        Assert.Equal(HttpStatusCode.OK, (await SignInAsync("mary.seacole@EXAMPLE.com", "correct horse 1")).StatusCode);
    }

    [Theory]
    [InlineData("ann@example.com", "short1")]
    [InlineData("ann@example.com", "no digit here")]
    [InlineData("ann@example.com", null)]
    [InlineData("not an address", "correct horse 1")]
    [InlineData("two@x.com, three@x.com", "correct horse 1")]
    [InlineData("Ann <ann@example.com>", "correct horse 1")]
    [InlineData("a\u0000b@example.com", "correct horse 1")]
    [InlineData(null, "correct horse 1")]
    public async Task A_weak_password_or_a_bad_address_is_an_invalid_request(string? email, string? password) =>
        await (await Api.Anyone.PostAsJsonAsync("/api/auth/register", new { email, password }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");

    [Fact]
    public async Task Registering_a_taken_address_gets_the_same_response_and_does_not_change_its_password()
    {
        using var first = await RegisterAsync("taken@example.com", "the first password 1");
        using var again = await RegisterAsync("TAKEN@example.com", "another password 2");

        Assert.Equal(first.StatusCode, again.StatusCode);
        Assert.Equal((await first.JsonAsync()).AsObject().Count, (await again.JsonAsync()).AsObject().Count);
        Assert.Equal(HttpStatusCode.OK, (await SignInAsync("taken@example.com", "the first password 1")).StatusCode);
        await (await SignInAsync("taken@example.com", "another password 2")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Concurrent_registrations_create_one_account_and_all_return_200()
    {
        var responses = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => RegisterAsync("race@example.com", $"password number {i}")));
        Assert.All(responses, response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal(1, await Api.ScalarAsync<long>("select count(*) from users where normalized_email = 'RACE@EXAMPLE.COM'"));
        Assert.Equal(1, await Api.ScalarAsync<long>("select count(*) from profiles where email = 'race@example.com'"));
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_address_get_the_same_response()
    {
        await RegisterAsync("known@example.com", "correct horse 1");
        var wrong = await (await SignInAsync("known@example.com", "wrong")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        var unknown = await (await SignInAsync("unknown@example.com", "wrong")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(wrong, unknown);
    }

    [Fact]
    public async Task A_refresh_token_reused_after_ten_seconds_revokes_the_sign_in_and_its_access_tokens()
    {
        var (user, first) = await Api.UserAsync("refresh@example.com");
        var second = await (await RefreshAsync(first)).JsonAsync();
        var third = await (await RefreshAsync(second)).JsonAsync();
        await Api.ExecuteAsync(
            "update refresh_tokens set used_at = used_at - interval '11 seconds' where user_id = (select id from users "
            + "where email = 'refresh@example.com')");

        await (await RefreshAsync(first)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await RefreshAsync(third)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await user.GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await Api.WithBearer((string)third["accessToken"]!).GetAsync("/api/auth/me"))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(HttpStatusCode.OK, (await SignInAsync("refresh@example.com", "correct horse 1")).StatusCode);
    }

    [Fact]
    public async Task A_refresh_token_reused_within_ten_seconds_gets_the_same_successor()
    {
        var (_, first) = await Api.UserAsync("two-tabs@example.com");
        var one = await (await RefreshAsync(first)).JsonAsync();
        var other = await (await RefreshAsync(first)).JsonAsync();

        Assert.Equal((string)one["refreshToken"]!, (string)other["refreshToken"]!);
        Assert.Equal(HttpStatusCode.OK, (await Api.WithBearer((string)other["accessToken"]!).GetAsync("/api/auth/me")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await RefreshAsync(other)).StatusCode);
        Assert.Equal(
            3,
            await Api.ScalarAsync<long>(
                "select count(*) from refresh_tokens where user_id = (select id from users where email = 'two-tabs@example.com')"));
    }

    [Fact]
    public async Task The_successor_token_cannot_be_derived_without_the_signing_key()
    {
        var (_, first) = await Api.UserAsync("successor@example.com");
        var next = (string)(await (await RefreshAsync(first)).JsonAsync())["refreshToken"]!;
        var family = await Api.ScalarAsync<Guid>(
            "select family_id from refresh_tokens where user_id = (select id from users where email = 'successor@example.com') limit 1");
        var guessed = new SuccessorTokens(SigningKey.Load(
            new Microsoft.Extensions.Configuration.ConfigurationBuilder()
                .AddInMemoryCollection([new("AUTH_SIGNING_KEY", "another key that is also long enough to sign")]).Build(),
            new Microsoft.Extensions.Hosting.Internal.HostingEnvironment { EnvironmentName = "Production" })).After(
                (string)first["refreshToken"]!, family);
        Assert.NotEqual(next, guessed);
    }

    [Fact]
    public async Task Concurrent_refreshes_get_one_successor()
    {
        var (_, tokens) = await Api.UserAsync("refresh-race@example.com");
        var responses = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => RefreshAsync(tokens)));
        var successors = await Task.WhenAll(responses.Select(async response => (string)(await response.JsonAsync())["refreshToken"]!));
        Assert.Single(successors.Distinct());
        Assert.Equal(
            2,
            await Api.ScalarAsync<long>(
                "select count(*) from refresh_tokens where user_id = (select id from users where email = 'refresh-race@example.com')"));
    }

    [Fact]
    public async Task Refresh_tokens_are_stored_as_hashes_and_expire()
    {
        var (_, tokens) = await Api.UserAsync("expires@example.com");
        var token = (string)tokens["refreshToken"]!;
        var stored = await Api.ScalarAsync<byte[]>(
            "select token_hash from refresh_tokens where user_id = (select id from users where email = 'expires@example.com')");
        Assert.Equal(SHA256.HashData(Encoding.UTF8.GetBytes(token)), stored);

        await Api.ExecuteAsync(
            "update refresh_tokens set expires_at = now() - interval '1 second' where user_id = (select id from users "
            + "where email = 'expires@example.com')");
        await (await RefreshAsync(tokens)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Sign_out_revokes_the_sign_in_and_its_access_tokens_and_always_returns_204()
    {
        var (user, tokens) = await Api.UserAsync("out@example.com");
        Assert.Equal(HttpStatusCode.OK, (await user.GetAsync("/api/auth/me")).StatusCode);
        Assert.Equal(
            HttpStatusCode.NoContent, (await PostAsync("logout", new { refreshToken = (string)tokens["refreshToken"]! })).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await PostAsync("logout", new { refreshToken = "rt_unknown" })).StatusCode);
        await (await user.GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await RefreshAsync(tokens)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Theory]
    [InlineData("refresh", "{}")]
    [InlineData("logout", "{}")]
    [InlineData("login", "{\"email\":\"a@b.c\"}")]
    [InlineData("forgot-password", "{\"email\":\"nobody\"}")]
    [InlineData("reset-password", "{\"token\":\"x\",\"newPassword\":\"short\"}")]
    [InlineData("reset-password", "{\"newPassword\":\"long enough 1\"}")]
    [InlineData("reset-password", "{\"token\":\"x\",\"newPassword\":\"no digit here\"}")]
    [InlineData("confirm", "{}")]
    public async Task A_body_with_a_missing_or_invalid_field_is_an_invalid_request(string endpoint, string body) =>
        await (await Api.Anyone.PostAsync($"/api/auth/{endpoint}", body.AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");

    [Fact]
    public async Task The_me_endpoint_returns_401_to_a_guest() =>
        await (await (await Api.GuestAsync()).GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");

    private Task<HttpResponseMessage> RegisterAsync(string email, string password) => PostAsync("register", new { email, password });

    private Task<HttpResponseMessage> SignInAsync(string email, string password) => PostAsync("login", new { email, password });

    private Task<HttpResponseMessage> RefreshAsync(System.Text.Json.Nodes.JsonNode tokens) =>
        PostAsync("refresh", new { refreshToken = (string)tokens["refreshToken"]! });

    private Task<HttpResponseMessage> PostAsync(string endpoint, object body) => Api.Anyone.PostAsJsonAsync($"/api/auth/{endpoint}", body);
}

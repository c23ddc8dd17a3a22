using System.Net;
using System.Net.Http.Headers;

namespace Sendcat.ContractTests.Identity;

/// <summary>How a request gets its principal: a bearer token or an anonymous session.</summary>
public sealed class PrincipalsTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    [Fact]
    public async Task A_request_without_token_and_session_is_401() =>
        await (await Api.Anyone.GetAsync("/api/threads")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");

    [Theory]
    [InlineData("Bearer nonsense")]
    [InlineData("Bearer")]
    [InlineData("Bearer a.b.c")]
    [InlineData("Basic YTpi")]
    public async Task An_invalid_token_is_401_even_with_a_valid_session(string authorization)
    {
        var guest = await Api.GuestAsync();
        guest.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);
        await (await guest.GetAsync("/api/threads")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task An_issued_session_is_accepted_and_a_modified_one_is_401()
    {
        var guest = await Api.GuestAsync();
        var session = guest.DefaultRequestHeaders.GetValues("x-sendcat-session").Single();
        Assert.StartsWith("anon_", session, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await guest.GetAsync("/api/threads")).StatusCode);

        string[] forged =
        [
            session.Split('.')[0], session[..^2], session.Replace("anon_0", "anon_1", StringComparison.Ordinal), "anon_",
            $"anon_{Guid.NewGuid()}.AAAAAAAAAAAAAAAAAAAAAA",
        ];
        foreach (var attempt in forged)
        {
            await (await Api.WithSession(attempt).GetAsync("/api/threads")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }
    }

    [Theory]
    [InlineData("auth-0199b1a0-0000-7000-8000-000000000001")]
    [InlineData("has space")]
    [InlineData("emoji-\u00e9")]
    [InlineData("quote'--")]
    public async Task A_session_with_a_reserved_prefix_or_an_invalid_character_is_401(string session)
    {
        var response = await Api.Anyone.PostAsync("/api/threads", $$"""{"sessionId":"{{session}}"}""".AsJson());
        await response.RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_session_of_129_characters_is_401() =>
        await (await Api.WithSession(new string('a', 129)).GetAsync("/api/threads"))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");

    [Fact]
    public async Task An_unsigned_session_is_accepted_unless_only_signed_sessions_are_allowed()
    {
        var unsigned = Guid.NewGuid().ToString();
        Assert.Equal(HttpStatusCode.OK, (await Api.WithSession(unsigned).GetAsync("/api/threads")).StatusCode);

        await using var strict = await SendcatApi.StartAsync(Postgres, new() { ["ANONYMOUS_SESSION_SIGNED_ONLY"] = "true" });
        await (await strict.WithSession(unsigned).GetAsync("/api/threads")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(HttpStatusCode.OK, (await (await strict.GuestAsync()).GetAsync("/api/threads")).StatusCode);
    }

    [Fact]
    public async Task An_unsigned_session_has_no_profile_and_cannot_claim_threads()
    {
        var unsigned = Guid.NewGuid().ToString();
        var guest = Api.WithSession(unsigned);
        (await guest.PostAsync("/api/threads", "{}".AsJson())).EnsureSuccessStatusCode();

        await (await guest.GetAsync("/api/profile")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await guest.PutAsync("/api/profile", """{"fullName":"Guessed"}""".AsJson()))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await Api.Anyone.PutAsync("/api/profile", $$"""{"fullName":"Guessed","sessionId":"{{unsigned}}"}""".AsJson()))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        var (user, tokens) = await Api.UserAsync("claims-nothing@example.com", sessionId: unsigned);
        await (await user.PostAsync("/api/threads/claim", $$"""{"sessionId":"{{unsigned}}"}""".AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");

        Assert.Null(tokens["claimedCount"]);
        Assert.Empty((await (await user.GetAsync("/api/threads")).JsonAsync())["items"]!.AsArray());
        Assert.Equal(0, await Api.ScalarAsync<long>($"select count(*) from profiles where session_id = '{unsigned}'"));
    }

    [Theory]
    [InlineData("canary", false)]
    [InlineData("production", false)]
    [InlineData("dev-enforce", true)]
    public async Task Canary_and_production_accept_signed_sessions_only(string stage, bool accepted)
    {
        await using var staged = await SendcatApi.StartAsync(Postgres, new() { ["SENDCAT_ROLLOUT_STAGE"] = stage });
        using var response = await staged.WithSession(Guid.NewGuid().ToString()).GetAsync("/api/threads");
        Assert.Equal(accepted ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await (await staged.GuestAsync()).GetAsync("/api/threads")).StatusCode);
    }

    [Theory]
    [InlineData("anon_0199b1a0-0000-7000-8000-000000000001.**********************")]
    [InlineData("anon_0199b1a0-0000-7000-8000-000000000001.+/+/+/+/+/+/+/+/+/+/+/")]
    [InlineData("anon_.......................")]
    public async Task A_session_signature_with_characters_outside_base64url_is_401(string session) =>
        await (await Api.WithSession(session).GetAsync("/api/threads")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");

    [Fact]
    public async Task A_valid_token_is_accepted_together_with_an_invalid_session()
    {
        var (user, _) = await Api.UserAsync("kept@example.com");
        user.DefaultRequestHeaders.Add("x-sendcat-session", "anon_forged.AAAA");
        Assert.Equal(HttpStatusCode.OK, (await user.GetAsync("/api/threads")).StatusCode);
    }

    [Fact]
    public async Task The_authorization_scheme_is_case_insensitive()
    {
        var (_, tokens) = await Api.UserAsync("scheme@example.com");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/auth/me")
        {
            Headers = { Authorization = new AuthenticationHeaderValue("bearer", (string)tokens["accessToken"]!) },
        };
        Assert.Equal("scheme@example.com", (string)(await (await Api.Anyone.SendAsync(request)).JsonAsync())["email"]!);
    }
}

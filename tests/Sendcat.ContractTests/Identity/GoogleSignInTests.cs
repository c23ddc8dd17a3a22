using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Sendcat.ApiService.Identity;

namespace Sendcat.ContractTests.Identity;

/// <summary>Which account a proven Google account signs in to.</summary>
public sealed class GoogleSignInTests(PostgresFixture postgres, GoogleApiFixture fixture) : IClassFixture<GoogleApiFixture>
{
    private const string Password = Browser.Password;

    private readonly GoogleApi _google = fixture.Google;
    private readonly GoogleUser _ann = new(fixture.Google);

    private SendcatApi Api => _google.Api;

    [Fact]
    public async Task A_new_user_gets_a_confirmed_account_in_cookies_with_the_threads_of_the_guest()
    {
        var email = GoogleApi.Address();
        using var session = await _ann.Browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/anonymous");
        using var thread = await _ann.Browser.SendAsync(HttpMethod.Post, "/api/threads", new { title = "Shoes" });
        var code = await _ann.CodeAsync(email);

        using var signedIn = await _ann.Browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/google", new { code });

        Assert.Equal("""{"expiresIn":3600,"claimedCount":1}""", await signedIn.Content.ReadAsStringAsync());
        using var response = await _ann.Browser.SendAsync(HttpMethod.Get, "/api/auth/me");
        var me = await response.JsonAsync();
        Assert.Equal(
            (email, true, false, email),
            ((string)me["email"]!, (bool)me["emailConfirmed"]!, (bool)me["hasPassword"]!, (string)me["google"]!["email"]!));
        using var profile = await _ann.Browser.SendAsync(HttpMethod.Get, "/api/profile");
        Assert.Equal(email.Split('@')[0], (string)(await profile.JsonAsync())["fullName"]!, ignoreCase: true);
        await (await Api.Anyone.PostAsJsonAsync("/api/auth/login", new { email, password = Password }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(["welcome"], await MailsAsync(email));
    }

    [Fact]
    public async Task An_exchange_for_tokens_claims_the_threads_of_its_session_and_works_once()
    {
        var session = (string)(await (await Api.Anyone.PostAsync("/api/auth/anonymous", null)).JsonAsync())["sessionId"]!;
        await (await Api.WithSession(session).PostAsJsonAsync("/api/threads", new { title = "Shoes" })).JsonAsync();
        var code = await _ann.CodeAsync(GoogleApi.Address());

        using var first = await _ann.Browser.SendAsync(HttpMethod.Post, "/api/auth/google/exchange", new { code, sessionId = session });

        var tokens = await first.JsonAsync();
        Assert.Equal((1, "Bearer"), ((int)tokens["claimedCount"]!, (string)tokens["tokenType"]!));
        await (await Api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = (string)tokens["refreshToken"]! })).JsonAsync();
        await (await _ann.ExchangeAsync(code)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Theory]
    [InlineData("/api/auth/google/exchange")]
    [InlineData("/api/auth/cookie/google")]
    public async Task A_code_that_was_refused_while_Postgres_did_not_respond_is_used_by_the_next_request(string path)
    {
        await using var google = await GoogleApi.StartAsync(postgres, null, ("POSTGRES_STATEMENT_TIMEOUT_MS", "2500"));
        var ann = new GoogleUser(google);
        var code = await ann.CodeAsync(GoogleApi.Address());
        await using (var connection = await google.Api.Database.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var block = new NpgsqlCommand("LOCK TABLE users IN ACCESS EXCLUSIVE MODE", connection);
            await block.ExecuteNonQueryAsync();
            using var refused = await ann.Browser.SendAsync(HttpMethod.Post, path, new { code });
            await refused.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
            await transaction.RollbackAsync();
        }

        using var accepted = await ann.Browser.SendAsync(HttpMethod.Post, path, new { code });
        using var again = await ann.Browser.SendAsync(HttpMethod.Post, path, new { code });

        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
        await again.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_code_whose_client_left_while_Postgres_did_not_respond_is_used_by_one_of_its_next_requests()
    {
        await using var google = await GoogleApi.StartAsync(postgres, null, ("POSTGRES_STATEMENT_TIMEOUT_MS", "2500"));
        var ann = new GoogleUser(google);
        var code = await ann.CodeAsync(GoogleApi.Address());
        await using (var connection = await google.Api.Database.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var block = new NpgsqlCommand("LOCK TABLE users IN ACCESS EXCLUSIVE MODE", connection);
            await block.ExecuteNonQueryAsync();
            using var impatient = new HttpClient { BaseAddress = google.Api.Navigator.BaseAddress, Timeout = TimeSpan.FromSeconds(1) };
            impatient.DefaultRequestHeaders.Add("Origin", Browser.Origin);
            impatient.DefaultRequestHeaders.Add("Cookie", ann.Browser.CookieHeader);
            await Assert.ThrowsAsync<TaskCanceledException>(() => impatient.PostAsJsonAsync("/api/auth/google/exchange", new { code }));
            await transaction.RollbackAsync();
        }

        // The request that was left may still be running.
        var statuses = new List<HttpStatusCode>();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!statuses.Contains(HttpStatusCode.OK))
        {
            var responses = await Task.WhenAll(ann.ExchangeAsync(code), ann.ExchangeAsync(code));
            statuses.AddRange(responses.Select(response => response.StatusCode));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, timeout.Token);
        }

        Assert.Single(statuses, status => status == HttpStatusCode.OK);
        await (await ann.ExchangeAsync(code)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task The_same_Google_account_signs_in_to_the_same_account_after_its_address_changed()
    {
        var sub = Subject();
        var before = await _ann.SignInAsync($"{GoogleApi.Address()} [[emu sub={sub}]]");

        var after = await new GoogleUser(_google).SignInAsync($"{GoogleApi.Address()} [[emu sub={sub}]]");

        Assert.Equal((string)before.Me["id"]!, (string)after.Me["id"]!);
        Assert.Equal((string)before.Me["email"]!, (string)after.Me["email"]!);
    }

    [Fact]
    public async Task An_address_that_Google_has_not_verified_makes_no_account()
    {
        var email = GoogleApi.Address();
        using var refused = await _ann.ExchangeAsync(await _ann.CodeAsync($"{email} [[emu unverified]]"));

        await refused.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        Assert.Equal("address_unverified", refused.Headers.GetValues("x-sendcat-error-reason").Single());
        Assert.Equal(0, await Api.ScalarAsync<long>($"SELECT count(*) FROM users WHERE email = '{email}'"));
    }

    [Fact]
    public async Task Whoever_registered_an_address_before_and_never_confirmed_it_loses_every_way_in()
    {
        var email = GoogleApi.Address();
        var (attacker, tokens) = await Api.UserAsync(email.ToUpperInvariant(), Password);
        await (await attacker.PutAsJsonAsync("/api/profile", new { fullName = "Mallory", phone = "8765550100" })).JsonAsync();
        var id = (string)(await (await attacker.GetAsync("/api/auth/me")).JsonAsync())["id"]!;

        var (owner, me) = await _ann.SignInAsync(email);

        Assert.Equal(
            (id, email, true, false), ((string)me["id"]!, (string)me["email"]!, (bool)me["emailConfirmed"]!, (bool)me["hasPassword"]!));
        Assert.Null((await (await owner.GetAsync("/api/profile")).JsonAsync())["phone"]);
        await (await attacker.GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await Api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = (string)tokens["refreshToken"]! }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await Api.Anyone.PostAsJsonAsync("/api/auth/login", new { email, password = Password }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_confirmed_account_is_linked_when_Google_manages_its_mailbox()
    {
        var (gmail, workspace) = (GoogleApi.Address("gmail.com"), GoogleApi.Address("corp.example"));
        var (first, _) = await Api.UserAsync(gmail, Password);
        await Api.UserAsync(workspace, Password);

        var (_, me) = await _ann.SignInAsync(gmail.ToUpperInvariant());
        await new GoogleUser(_google).SignInAsync($"{workspace} [[emu hd=corp.example]]");

        Assert.Equal(
            ((string)(await (await first.GetAsync("/api/auth/me")).JsonAsync())["id"]!, true),
            ((string)me["id"]!, (bool)me["hasPassword"]!));
        await (await Api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = gmail, password = Password })).JsonAsync();
        Assert.Equal(["google_linked", "welcome"], await MailsAsync(gmail));
    }

    [Fact]
    public async Task A_confirmed_account_is_not_linked_when_another_provider_manages_its_mailbox()
    {
        var email = GoogleApi.Address("corp.example");
        await Api.UserAsync(email, Password);

        using var refused = await _ann.ExchangeAsync(await _ann.CodeAsync(email));

        await refused.RefusedAsync(HttpStatusCode.Conflict, "conflict");
        Assert.Equal("link_required", refused.Headers.GetValues("x-sendcat-error-reason").Single());
    }

    [Fact]
    public async Task A_Google_account_that_got_the_address_of_another_does_not_get_its_account()
    {
        var email = GoogleApi.Address("corp.example");
        await _ann.SignInAsync($"{email} [[emu hd=corp.example]]");

        var successor = new GoogleUser(_google);
        using var refused = await successor.ExchangeAsync(await successor.CodeAsync($"{email} [[emu hd=corp.example sub={Subject()}]]"));

        await refused.RefusedAsync(HttpStatusCode.Conflict, "conflict");
        Assert.Equal("other_google_account", refused.Headers.GetValues("x-sendcat-error-reason").Single());
    }

    [Fact]
    public async Task Codes_of_the_same_new_account_make_one_account()
    {
        var email = GoogleApi.Address();
        var codes = new[] { await _ann.CodeAsync(email), await _ann.CodeAsync(email), await _ann.CodeAsync(email) };

        var responses = await Task.WhenAll(codes.Select(code => _ann.ExchangeAsync(code)));

        Assert.All(responses, response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal(1, await Api.ScalarAsync<long>($"SELECT count(*) FROM external_sign_ins WHERE email = '{email}'"));
    }

    [Fact]
    public async Task An_account_that_is_deleted_meanwhile_is_not_made_again()
    {
        var email = GoogleApi.Address("gmail.com");
        var (user, _) = await Api.UserAsync(email, Password);
        await _ann.SignInAsync(email);
        var code = await _ann.CodeAsync(email);
        Assert.Equal(
            HttpStatusCode.NoContent, (await user.PostAsJsonAsync("/api/auth/delete-account", new { password = Password })).StatusCode);

        await (await _ann.ExchangeAsync(code)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");

        Assert.Equal(0, await Api.ScalarAsync<long>($"SELECT count(*) FROM users WHERE email = '{email}'"));
        Assert.Equal(0, await Api.ScalarAsync<long>($"SELECT count(*) FROM external_sign_ins WHERE email = '{email}'"));
    }

    [Fact]
    public async Task A_password_reset_by_mail_unlinks_Google()
    {
        var email = GoogleApi.Address();
        var (user, me) = await _ann.SignInAsync(email);
        string token;
        await using (var scope = Api.Services.CreateAsyncScope())
        {
            var users = scope.ServiceProvider.GetRequiredService<UserManager<SendcatUser>>();
            token = await users.GeneratePasswordResetTokenAsync((await users.FindByIdAsync((string)me["id"]!))!);
        }

        Assert.Equal(
            HttpStatusCode.NoContent,
            (await Api.Anyone.PostAsJsonAsync("/api/auth/reset-password", new { token, newPassword = Password })).StatusCode);

        await (await user.GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await _ann.ExchangeAsync(await _ann.CodeAsync(email))).RefusedAsync(HttpStatusCode.Conflict, "conflict");
        await (await Api.Anyone.PostAsJsonAsync("/api/auth/login", new { email, password = Password })).JsonAsync();
    }

    /// <summary>The kinds of all mails to the address, in the order of the alphabet.</summary>
    private Task<string[]> MailsAsync(string email) => Api.ScalarAsync<string[]>(
        $"""
        SELECT array_agg(args::jsonb ->> 'kind' ORDER BY args::jsonb ->> 'kind') FROM reliability.tool_jobs
        WHERE tool = 'deliveries' AND principal = 'mail:{email.ToUpperInvariant()}'
        """);

    private static string Subject() => Guid.NewGuid().ToString("N");
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Identity;

/// <summary>Linking and unlinking of Google, and changes of an account that Google proves instead of a password.</summary>
public sealed class GoogleLinkTests(GoogleApiFixture fixture) : IClassFixture<GoogleApiFixture>
{
    private const string Password = Browser.Password;
    private const string NewPassword = "another horse 2";

    private readonly GoogleApi _google = fixture.Google;

    /// <summary>Each person has one browser for Google and for the account.</summary>
    private readonly GoogleUser _ann = new(fixture.Google);

    private SendcatApi Api => _google.Api;

    [Fact]
    public async Task A_linked_Google_account_with_another_address_signs_in_to_the_account()
    {
        var (email, other) = (GoogleApi.Address("corp.example"), GoogleApi.Address());
        var (user, _) = await Api.UserAsync(email, Password);
        var code = await _ann.CodeAsync(other);

        await (await LinkAsync(user, code, "a wrong one 3")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        Assert.Equal(HttpStatusCode.NoContent, (await LinkAsync(user, code)).StatusCode);

        var (_, me) = await _ann.SignInAsync(other);
        Assert.Equal((email, other, true), ((string)me["email"]!, (string)me["google"]!["email"]!, (bool)me["hasPassword"]!));
        Assert.Equal(HttpStatusCode.NoContent, (await LinkAsync(user, await _ann.CodeAsync(other))).StatusCode);
    }

    [Fact]
    public async Task An_account_has_one_Google_account_and_a_Google_account_has_one_account()
    {
        var (user, _) = await Api.UserAsync(GoogleApi.Address("corp.example"), Password);
        var (second, _) = await Api.UserAsync(GoogleApi.Address("corp.example"), Password);
        var (google, unused) = (GoogleApi.Address(), GoogleApi.Address());
        Assert.Equal(HttpStatusCode.NoContent, (await LinkAsync(user, await _ann.CodeAsync(google))).StatusCode);

        var refused = new[] { await LinkAsync(user, await _ann.CodeAsync(unused)), await LinkAsync(second, await _ann.CodeAsync(google)) };

        foreach (var response in refused)
        {
            await response.RefusedAsync(HttpStatusCode.Conflict, "conflict");
            Assert.Equal("other_google_account", response.Headers.GetValues("x-sendcat-error-reason").Single());
        }
    }

    [Fact]
    public async Task An_unconfirmed_account_can_link_only_the_Google_account_of_its_own_address_which_confirms_it()
    {
        var email = GoogleApi.Address();
        var (user, _) = await Api.UserAsync(email, Password);

        await (await LinkAsync(user, await _ann.CodeAsync(GoogleApi.Address()))).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await LinkAsync(user, await _ann.CodeAsync($"{email} [[emu unverified]]")))
            .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        Assert.Equal(HttpStatusCode.NoContent, (await LinkAsync(user, await _ann.CodeAsync(email.ToUpperInvariant()))).StatusCode);

        Assert.True((bool)(await MeAsync(user))["emailConfirmed"]!);
        await (await Api.Anyone.PostAsJsonAsync("/api/auth/login", new { email, password = Password })).JsonAsync();
    }

    [Fact]
    public async Task Google_cannot_be_unlinked_while_it_is_the_only_way_to_sign_in()
    {
        var email = GoogleApi.Address();
        var (user, _) = await _ann.SignInAsync(email);
        using var refused = await SendAsync(user, "google/unlink", new { googleCode = await _ann.CodeAsync(email) });
        await refused.RefusedAsync(HttpStatusCode.Conflict, "conflict");
        Assert.Equal("last_sign_in", refused.Headers.GetValues("x-sendcat-error-reason").Single());

        using var set = await SendAsync(
            user, "change-password", new { newPassword = NewPassword, googleCode = await _ann.CodeAsync(email) });
        var again = Api.WithBearer((string)(await set.JsonAsync())["accessToken"]!);
        await (await user.GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(again, "google/unlink", new { password = NewPassword })).StatusCode);

        var me = await MeAsync(again);
        Assert.Equal((true, null), ((bool)me["hasPassword"]!, me["google"]));
        await (await SendAsync(again, "google/unlink", new { password = NewPassword })).RefusedAsync(HttpStatusCode.NotFound, "not_found");
        await (await _ann.ExchangeAsync(await _ann.CodeAsync(email))).RefusedAsync(HttpStatusCode.Conflict, "conflict");
        await (await Api.Anyone.PostAsJsonAsync("/api/auth/login", new { email, password = NewPassword })).JsonAsync();
    }

    [Fact]
    public async Task A_change_needs_a_fresh_code_of_the_linked_Google_account()
    {
        var email = GoogleApi.Address();
        var (user, _) = await _ann.SignInAsync(email);
        var used = await _ann.CodeAsync(email);
        Assert.Equal(
            HttpStatusCode.Accepted,
            (await SendAsync(user, "change-email", new { newEmail = GoogleApi.Address(), googleCode = used })).StatusCode);

        await (await SendAsync(user, "delete-account", new { googleCode = used }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await SendAsync(user, "delete-account", new { googleCode = await _ann.CodeAsync(GoogleApi.Address()) }))
            .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await user.PostAsJsonAsync("/api/auth/delete-account", new { googleCode = await _ann.CodeAsync(email) }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await SendAsync(user, "delete-account", new { password = Password })).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await SendAsync(user, "delete-account", new { })).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await MeAsync(user);
    }

    [Fact]
    public async Task An_account_without_a_password_is_deleted_by_a_code_with_its_link()
    {
        var email = GoogleApi.Address();
        var (user, me) = await _ann.SignInAsync(email);

        Assert.Equal(
            HttpStatusCode.NoContent,
            (await SendAsync(user, "delete-account", new { googleCode = await _ann.CodeAsync(email) })).StatusCode);

        Assert.Equal(0, await Api.ScalarAsync<long>($"SELECT count(*) FROM external_sign_ins WHERE email = '{email}'"));
        var (_, again) = await _ann.SignInAsync(email);
        Assert.NotEqual((string)me["id"]!, (string)again["id"]!);
    }

    [Fact]
    public async Task A_browser_with_cookies_sets_a_password_by_a_code()
    {
        var email = GoogleApi.Address();
        using var signedIn = await _ann.Browser.SendAsync(
            HttpMethod.Post, "/api/auth/cookie/google", new { code = await _ann.CodeAsync(email) });
        var before = _ann.Browser.Cookies["__Host-sendcat-access"].Value.ToString();

        using var changed = await _ann.Browser.SendAsync(
            HttpMethod.Post, "/api/auth/cookie/change-password",
            new { newPassword = NewPassword, googleCode = await _ann.CodeAsync(email) });

        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.NotEqual(before, _ann.Browser.Cookies["__Host-sendcat-access"].Value.ToString());
        await (await Api.Anyone.PostAsJsonAsync("/api/auth/login", new { email, password = NewPassword })).JsonAsync();
    }

    private static async Task<JsonNode> MeAsync(HttpClient user) => await (await user.GetAsync("/api/auth/me")).JsonAsync();

    private Task<HttpResponseMessage> LinkAsync(HttpClient user, string code, string password = Password) =>
        SendAsync(user, "google/link", new { password, code });

    /// <summary>Sends a change with the token of the user and the cookie of the browser that got the code.</summary>
    private async Task<HttpResponseMessage> SendAsync(HttpClient user, string route, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/auth/{route}") { Content = JsonContent.Create(body) };
        request.Headers.Add("Origin", Browser.Origin);
        request.Headers.Add("Cookie", _ann.Browser.CookieHeader);
        return await user.SendAsync(request);
    }
}

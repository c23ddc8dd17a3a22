using System.Net;

namespace Sendcat.ContractTests.Identity;

/// <summary>Sign-ins and guest sessions whose tokens a browser keeps in cookies.</summary>
public sealed class CookieTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    [Fact]
    public async Task The_cookies_are_hidden_from_scripts_and_from_other_sites_and_no_response_contains_a_token()
    {
        var browser = new Browser(Api);
        using var session = await browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/anonymous");
        using var signedIn = await browser.SignInAsync();

        Assert.Equal(
            ["__Host-sendcat-access", "__Host-sendcat-session", "__Secure-sendcat-refresh"],
            browser.Cookies.Keys.Order(StringComparer.Ordinal));
        Assert.All(
            browser.Cookies.Values,
            cookie => Assert.Equal(
                (true, true, Microsoft.Net.Http.Headers.SameSiteMode.Strict, false),
                (cookie.HttpOnly, cookie.Secure, cookie.SameSite, cookie.Domain.HasValue)));
        Assert.Equal(
            ["/", "/", "/api/auth/cookie"],
            browser.Cookies.OrderBy(cookie => cookie.Key, StringComparer.Ordinal).Select(cookie => cookie.Value.Path.ToString()));
        var text = await signedIn.Content.ReadAsStringAsync();
        Assert.Equal("""{"expiresIn":3600,"claimedCount":0}""", text);
        Assert.Equal((HttpStatusCode.NoContent, ""), (session.StatusCode, await session.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task A_guest_in_a_browser_keeps_its_session_and_takes_its_threads_to_its_account()
    {
        var browser = new Browser(Api);
        using var first = await browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/anonymous");
        using var created = await browser.SendAsync(HttpMethod.Post, "/api/threads", new { title = "mine" });
        var thread = (string)(await created.JsonAsync())["id"]!;
        using var again = await browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/anonymous");
        using var signedIn = await browser.SignInAsync();
        using var read = await browser.SendAsync(HttpMethod.Get, $"/api/threads/{thread}");
        using var me = await browser.SendAsync(HttpMethod.Get, "/api/auth/me");

        Assert.False(again.Headers.Contains("Set-Cookie"));
        Assert.Equal(1, (int)(await signedIn.JsonAsync())["claimedCount"]!);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (read.StatusCode, me.StatusCode));
    }

    [Fact]
    public async Task A_change_without_an_origin_is_one_without_cookies_and_a_foreign_origin_is_refused()
    {
        var browser = new Browser(Api);
        using var session = await browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/anonymous");
        using var signedIn = await browser.SignInAsync();

        await (await browser.SendAsync(HttpMethod.Post, "/api/threads", new { }, origin: null))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/refresh", origin: null))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await browser.SendAsync(HttpMethod.Post, "/api/threads", new { }, origin: "https://evil.example"))
            .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        using var read = await browser.SendAsync(HttpMethod.Get, "/api/threads", origin: null);
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
    }

    [Fact]
    public async Task A_bad_access_cookie_is_401_and_not_a_guest_until_it_is_refreshed()
    {
        var browser = new Browser(Api);
        using var session = await browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/anonymous");
        using var signedIn = await browser.SignInAsync();
        browser.Cookies["__Host-sendcat-access"].Value = "expired";

        await (await browser.SendAsync(HttpMethod.Get, "/api/threads")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        using var refreshed = await browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/refresh");
        using var read = await browser.SendAsync(HttpMethod.Get, "/api/auth/me");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (refreshed.StatusCode, read.StatusCode));
    }

    [Fact]
    public async Task A_changed_password_puts_the_new_sign_in_into_the_cookies()
    {
        var browser = new Browser(Api);
        using var signedIn = await browser.SignInAsync();
        var before = browser.Cookies["__Host-sendcat-access"].Value;

        using var changed = await browser.SendAsync(
            HttpMethod.Post, "/api/auth/cookie/change-password",
            new { currentPassword = Browser.Password, newPassword = "another horse 2" });
        using var read = await browser.SendAsync(HttpMethod.Get, "/api/auth/me");

        Assert.Equal("""{"expiresIn":3600}""", await changed.Content.ReadAsStringAsync());
        Assert.NotEqual(before, browser.Cookies["__Host-sendcat-access"].Value);
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
    }

    [Fact]
    public async Task Signing_out_ends_the_sign_in_and_leaves_the_guest()
    {
        var browser = new Browser(Api);
        using var session = await browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/anonymous");
        using var signedIn = await browser.SignInAsync();
        var (access, refresh) = (browser.Cookies["__Host-sendcat-access"].Value.ToString(), browser.Cookies["__Secure-sendcat-refresh"]);
        using var signedOut = await browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/logout");

        Assert.Equal(HttpStatusCode.NoContent, signedOut.StatusCode);
        Assert.Equal(["__Host-sendcat-session"], browser.Cookies.Keys);
        await (await Api.WithBearer(access).GetAsync("/api/threads")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        browser.Cookies["__Secure-sendcat-refresh"] = refresh;
        await (await browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/refresh"))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(["__Host-sendcat-session"], browser.Cookies.Keys);
    }

    [Fact]
    public async Task A_token_in_the_header_takes_precedence_over_the_cookie()
    {
        var browser = new Browser(Api);
        using var signedIn = await browser.SignInAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/threads");
        request.Headers.Add("Cookie", browser.CookieHeader);
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer nonsense");

        await (await Api.Anyone.SendAsync(request)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Without_TLS_in_development_the_cookies_have_no_prefix_and_are_not_secure()
    {
        await using var local = await SendcatApi.StartAsync(Postgres, environment: "Development");
        var browser = new Browser(local);
        using var session = await browser.SendAsync(HttpMethod.Post, "/api/auth/cookie/anonymous");
        using var created = await browser.SendAsync(HttpMethod.Post, "/api/threads", new { });

        var cookie = Assert.Single(browser.Cookies);
        Assert.Equal(("sendcat-session", false, true), (cookie.Key, cookie.Value.Secure, cookie.Value.HttpOnly));
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
    }
}

using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Microsoft.Net.Http.Headers;
using Sendcat.ApiService.Identity.Google;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ContractTests.Identity;

/// <summary>The way of a browser through Google: state, cookie, code, ID token, and the page it comes back to.</summary>
public sealed class GoogleReturnTests(PostgresFixture postgres, GoogleApiFixture fixture) : IClassFixture<GoogleApiFixture>
{
    private readonly GoogleApi _google = fixture.Google;
    private readonly GoogleUser _ann = new(fixture.Google);

    [Fact]
    public async Task The_browser_goes_to_Google_with_state_nonce_and_challenge_and_gets_a_hidden_cookie()
    {
        var page = await _ann.StartAsync();

        Assert.StartsWith($"{_google.Google.Google}/o/oauth2/v2/auth?", page.ToString(), StringComparison.Ordinal);
        Assert.Equal(
            ("client", $"{GoogleApi.PublicUrl}/api/auth/google/callback", "code", "openid email profile", "S256", "select_account"),
            (Of("client_id"), Of("redirect_uri"), Of("response_type"), Of("scope"), Of("code_challenge_method"), Of("prompt")));
        Assert.All(["state", "nonce", "code_challenge"], (string name) => Assert.Equal(43, Of(name)!.Length));
        var cookie = Assert.Single(_ann.Browser.Cookies).Value;
        Assert.Equal(
            ("__Host-sendcat-google", true, true, SameSiteMode.Lax, "/"),
            (cookie.Name.ToString(), cookie.HttpOnly, cookie.Secure, cookie.SameSite, cookie.Path.ToString()));
        Assert.DoesNotContain(cookie.Value.ToString(), page.Query, StringComparison.Ordinal);

        string? Of(string name) => GoogleUser.Parameter(page, name);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("wrong-nonce")]
    [InlineData("no-nonce")]
    [InlineData("expired")]
    [InlineData("future")]
    [InlineData("wrong-audience")]
    [InlineData("wrong-azp")]
    [InlineData("wrong-issuer")]
    [InlineData("other-key")]
    [InlineData("bad-signature")]
    [InlineData("hs256")]
    [InlineData("no-signature")]
    public async Task An_id_token_with_a_fault_gives_no_code(string fault)
    {
        var page = await _ann.VisitAsync($"{GoogleApi.Address()} [[emu id-token={fault}]]");

        Assert.Equal(("failed", null), (GoogleUser.ErrorIn(page), GoogleUser.Parameter(page, "googleCode")));
    }

    [Fact]
    public async Task Both_spellings_of_the_issuer_are_accepted() =>
        Assert.NotEmpty(await _ann.CodeAsync($"{GoogleApi.Address()} [[emu issuer=accounts.google.com]]"));

    [Theory]
    [InlineData("status=500", "unavailable")]
    [InlineData("status=400", "failed")]
    [InlineData("body=html", "unavailable")]
    [InlineData("status=503 times=1", null)]
    public async Task A_fault_of_the_token_endpoint_brings_the_browser_back_to_its_page(string fault, string? error)
    {
        var page = await _ann.VisitAsync($"{GoogleApi.Address()} [[emu at=google/token {fault}]]");

        Assert.Equal((GoogleApi.App, error), (page.GetLeftPart(UriPartial.Authority), GoogleUser.ErrorIn(page)));
    }

    [Fact]
    public async Task A_token_endpoint_that_does_not_respond_is_given_up_after_ten_seconds()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var google = await GoogleApi.StartAsync(postgres, services => services.AddSingleton<TimeProvider>(clock));
        var ann = new GoogleUser(google);
        var callback = await ann.ChooseAsync(await ann.StartAsync(), "ann@gmail.com [[emu at=google/token hang=before-headers]]");

        var returned = ann.ReturnAsync(callback);
        await google.Google.Stats.WaitForAsync(stats => stats.Of("google", "token").Started >= 1, TestContext.Current.CancellationToken);
        while (!returned.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(
                returned, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken));
        }

        Assert.Equal("unavailable", GoogleUser.ErrorIn(await returned));
    }

    [Fact]
    public async Task A_callback_in_another_browser_is_refused_and_leaves_the_flow_to_its_own()
    {
        var callback = await _ann.ChooseAsync(await _ann.StartAsync(), GoogleApi.Address());
        var victim = new GoogleUser(_google);

        Assert.Equal("expired", GoogleUser.ErrorIn(await victim.ReturnAsync(callback)));
        await victim.StartAsync();
        Assert.Equal("expired", GoogleUser.ErrorIn(await victim.ReturnAsync(callback)));

        Assert.NotEmpty(GoogleUser.CodeIn(await _ann.ReturnAsync(callback)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?code=4/0abc")]
    [InlineData("?code=4/0abc&state=unknown")]
    [InlineData("?code=4/0abc&state=a&state=b")]
    public async Task A_callback_without_a_known_state_goes_to_the_first_allowed_page(string query)
    {
        await _ann.StartAsync();

        Assert.Equal($"{GoogleApi.App}/?googleError=expired", (await _ann.ReturnAsync($"/api/auth/google/callback{query}")).ToString());
    }

    [Fact]
    public async Task Two_tabs_sign_in_at_the_same_time()
    {
        var (first, second) = (await _ann.StartAsync(), await _ann.StartAsync());

        Assert.NotEmpty(GoogleUser.CodeIn(await _ann.ReturnAsync(await _ann.ChooseAsync(second, GoogleApi.Address()))));
        Assert.NotEmpty(GoogleUser.CodeIn(await _ann.ReturnAsync(await _ann.ChooseAsync(first, GoogleApi.Address()))));
    }

    [Fact]
    public async Task The_code_of_one_tab_does_not_fit_the_state_of_another()
    {
        var first = await _ann.ChooseAsync(await _ann.StartAsync(), GoogleApi.Address());
        var second = await _ann.ChooseAsync(await _ann.StartAsync(), GoogleApi.Address());
        var mixed = $"{first.Split("&state=")[0]}&state={second.Split("&state=")[1]}";

        Assert.Equal("failed", GoogleUser.ErrorIn(await _ann.ReturnAsync(mixed)));
    }

    [Fact]
    public async Task A_reloaded_callback_gets_the_result_of_the_first_one()
    {
        var callback = await _ann.ChooseAsync(await _ann.StartAsync(), $"{GoogleApi.Address()} [[emu at=google/token headers=500ms]]");

        var pages = await Task.WhenAll(_ann.ReturnAsync(callback), _ann.ReturnAsync(callback));
        var later = await _ann.ReturnAsync(callback);

        Assert.NotEmpty(GoogleUser.CodeIn(later));
        Assert.All(pages, page => Assert.Equal(later, page));
        using var signedIn = await _ann.ExchangeAsync(GoogleUser.CodeIn(later));
        Assert.Equal(HttpStatusCode.OK, signedIn.StatusCode);
        await (await _ann.ExchangeAsync(GoogleUser.CodeIn(later))).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Redis_stores_no_code_that_is_not_used_yet()
    {
        var page = await _ann.StartAsync();
        var code = GoogleUser.CodeIn(await _ann.ReturnAsync(await _ann.ChooseAsync(page, GoogleApi.Address())));

        var flow = await _google.Api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase()
            .StringGetAsync(RedisKeys.GoogleFlow(GoogleFlows.DigestOf(GoogleUser.Parameter(page, "state")!)));

        Assert.True(flow.HasValue);
        Assert.DoesNotContain(code, flow.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("access_denied", "denied")]
    [InlineData("temporarily_unavailable", "failed")]
    public async Task An_error_of_Google_brings_the_browser_back_to_its_page(string error, string expected)
    {
        var page = await _ann.StartAsync("/settings?tab=account#google");

        var back = await _ann.ReturnAsync($"/api/auth/google/callback?error={error}&state={GoogleUser.Parameter(page, "state")}");

        Assert.Equal($"{GoogleApi.App}/settings?tab=account&googleError={expected}#google", back.ToString());
    }

    [Theory]
    [InlineData("/chat?thread=1", "https://app.sendcat.example/chat?thread=1")]
    [InlineData("//evil.example/", "https://app.sendcat.example//evil.example/")]
    [InlineData("/@evil.example", "https://app.sendcat.example/@evil.example")]
    [InlineData("http://localhost:3000/a", "http://localhost:3000/a")]
    [InlineData("https://app.sendcat.example:443", "https://app.sendcat.example/")]
    public async Task The_browser_returns_to_pages_of_allowed_origins(string returnTo, string expected)
    {
        var page = await _ann.StartAsync(returnTo);

        var back = await _ann.ReturnAsync($"/api/auth/google/callback?error=access_denied&state={GoogleUser.Parameter(page, "state")}");

        Assert.StartsWith(expected, back.AbsoluteUri, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("https://app.sendcat.example.evil.example/")]
    [InlineData("https://app.sendcat.example@evil.example/")]
    [InlineData("https://user@app.sendcat.example/")]
    [InlineData("http://app.sendcat.example/")]
    [InlineData("https://app.sendcat.example:8443/")]
    [InlineData("/\\evil.example")]
    [InlineData("https:\\\\app.sendcat.example")]
    [InlineData("javascript:alert(1)")]
    [InlineData("data:text/html,hi")]
    [InlineData("app.sendcat.example")]
    [InlineData("/a\r\nSet-Cookie: a=b")]
    public async Task No_other_page_may_be_returned_to(string returnTo)
    {
        using var response = await _ann.Browser.SendAsync(
            HttpMethod.Get, $"/api/auth/google/start?returnTo={Uri.EscapeDataString(returnTo)}", origin: null);

        await response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_code_with_a_challenge_needs_the_verifier_and_one_without_needs_the_cookie()
    {
        var verifier = new string('v', 43);
        var challenged = await _ann.CodeAsync(GoogleApi.Address(), GoogleFlows.DigestOf(verifier));
        var plain = await _ann.CodeAsync(GoogleApi.Address());

        await (await ExchangeAsync(new { code = challenged })).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await ExchangeAsync(new { code = challenged, verifier = new string('w', 43) }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await ExchangeAsync(new { code = plain })).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await ExchangeAsync(new { code = plain, verifier })).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await _ann.Browser.SendAsync(HttpMethod.Post, "/api/auth/google/exchange", new { code = plain }, origin: null))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");

        Assert.Equal(HttpStatusCode.OK, (await ExchangeAsync(new { code = challenged, verifier })).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _ann.ExchangeAsync(plain)).StatusCode);

        Task<HttpResponseMessage> ExchangeAsync(object body) => _google.Api.Anyone.PostAsJsonAsync("/api/auth/google/exchange", body);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    public async Task A_malformed_challenge_is_refused(string challenge)
    {
        using var response = await _ann.Browser.SendAsync(HttpMethod.Get, $"/api/auth/google/start?challenge={challenge}", origin: null);

        await response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Without_configuration_the_start_is_404_and_floods_of_starts_are_429()
    {
        await (await (await postgres.ApiAsync()).Navigator.GetAsync("/api/auth/google/start"))
            .RefusedAsync(HttpStatusCode.NotFound, "not_found");

        await using var google = await GoogleApi.StartAsync(postgres, null, ("RATE_LIMIT_AUTH_MAX", "1"));
        Assert.Equal(HttpStatusCode.Found, (await google.Api.Navigator.GetAsync("/api/auth/google/start")).StatusCode);
        await (await google.Api.Navigator.GetAsync("/api/auth/google/start")).RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
    }
}

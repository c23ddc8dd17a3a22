using System.Net;
using System.Net.Http.Json;
using Sendcat.ContractTests.Identity;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.Http;

/// <summary>
/// A production without the addresses of its API, its web app and its origins, or with addresses that are none: routes that need one refuse
/// with the reason <c>not_configured</c>, and the others work.
/// </summary>
public sealed class UnsetAddressTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData(null)]
    [InlineData("api.sendcat.example")]
    [InlineData("https://[api")]
    [InlineData("https://api:port:80")]
    [InlineData("https://")]
    [InlineData("https://api.sendcat.example /")]
    [InlineData("ftp://api.sendcat.example")]
    public async Task A_route_that_needs_an_address_is_refused_as_not_configured(string? address)
    {
        var settings = Complete();
        foreach (var name in new[] { "API_PUBLIC_URL", "APP_URL", "ALLOWED_ORIGINS" })
        {
            settings[name] = address ?? "";
        }

        await using var api = await SendcatApi.StartAsync(postgres, settings);
        var (user, _) = await api.UserAsync();

        await NotConfiguredAsync(await user.PostAsync("/api/gmail/connect", null));
        await NotConfiguredAsync(await api.Navigator.GetAsync("/api/auth/google/start"));
        await NotConfiguredAsync(await api.Navigator.GetAsync("/api/auth/google/start?returnTo=/chat"));
        await NotConfiguredAsync(await api.Navigator.GetAsync("/api/auth/google/callback?code=c&state=s"));
        // Google must not be told an address that is none, so that no notification is authentic.
        await (await api.Anyone.PostAsync("/api/gmail/push", "{}".AsJson())).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        using var returned = await api.Navigator.GetAsync("/api/gmail/auth/callback?code=c&state=s");
        Assert.Equal(HttpStatusCode.Found, returned.StatusCode);
        Assert.True(returned.Headers.Location!.IsAbsoluteUri);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("https://[app")]
    [InlineData("app.sendcat.example")]
    [InlineData("https://kaufhäuschen.example")]
    public async Task A_route_that_can_do_without_an_address_works(string? address)
    {
        await using var model = await UpstreamEmulatorHost.StartAsync();
        var settings = Complete();
        settings["APP_URL"] = address ?? "";
        settings["OPENROUTER_BASE_URL"] = model.OpenRouter.ToString();
        settings["OPENROUTER_API_KEY"] = "test";
        await using var api = await SendcatApi.StartAsync(postgres, settings);
        var (user, _) = await api.UserAsync();
        var thread = (string)(await (await user.PostAsync("/api/threads", null)).JsonAsync())["id"]!;

        var turn = await user.PostAsJsonAsync("/api/chat", new { threadId = thread, message = """[[emu text="Hello."]]""" });
        Assert.Contains("\"type\":\"done\"", await turn.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var share = await (await user.PostAsync($"/api/threads/{thread}/share", null)).JsonAsync();
        Assert.True(Uri.TryCreate((string)share["url"]!, UriKind.Absolute, out var link));
        Assert.Equal($"/api/shares/{share["shareToken"]}", link.AbsolutePath);
        var forgot = await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email = "ann@example.com" });
        Assert.Equal(HttpStatusCode.Accepted, forgot.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await api.Anyone.PostAsync("/api/auth/cookie/anonymous", null)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await user.PostAsync("/api/whatsapp/linking-code", null)).StatusCode);
    }

    [Fact]
    public async Task A_feature_without_credentials_is_refused_as_not_configured()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new()
        {
            ["API_PUBLIC_URL"] = "https://api.sendcat.example",
            ["ALLOWED_ORIGINS"] = Browser.Origin,
            ["AUTH_CONFIRMED_DOMAINS"] = "example.com",
        });
        var (user, _) = await api.UserAsync();

        await NotConfiguredAsync(await user.PostAsync("/api/gmail/connect", null));
        await NotConfiguredAsync(await user.PostAsync("/api/whatsapp/linking-code", null));
        await NotConfiguredAsync(await api.Navigator.GetAsync("/api/auth/google/start"));
    }

    private static async Task NotConfiguredAsync(HttpResponseMessage response)
    {
        using (response)
        {
            await response.RefusedAsync(HttpStatusCode.NotFound, "not_found");
            Assert.Equal("not_configured", Assert.Single(response.Headers.GetValues("x-sendcat-error-reason")));
        }
    }

    /// <summary>The credentials of all features, without their addresses.</summary>
    private static Dictionary<string, string> Complete() => new()
    {
        ["GOOGLE_CLIENT_ID"] = "client",
        ["GOOGLE_CLIENT_SECRET"] = "secret",
        ["GMAIL_PUSH_SERVICE_ACCOUNT"] = "gmail-push@sendcat.example",
        ["ENCRYPTION_KEY"] = Gmail.GmailApi.Key,
        ["WHATSAPP_APP_SECRET"] = "a secret of the app at Meta",
        ["AUTH_CONFIRMED_DOMAINS"] = "example.com",
        ["REDIS_DECISION_TIMEOUT_MS"] = "1000",
    };
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Stores;
using Sendcat.UpstreamEmulator;

namespace Sendcat.IntegrationTests.Identity;

/// <summary>A sign-in with Google whose steps reach different replicas.</summary>
public sealed class GoogleSignInTests(SharedStores stores)
{
    [Fact]
    public async Task Each_step_of_a_sign_in_may_reach_another_replica()
    {
        await using var google = await UpstreamEmulatorHost.StartAsync();
        await using var sendcat = await SendcatSystem.StartAsync(
            stores, replicas: 2, ("GOOGLE_OAUTH_BASE_URL", google.Google.ToString()), ("GOOGLE_JWKS_URL", google.GoogleKeys.ToString()),
            ("GOOGLE_CLIENT_ID", "client"), ("GOOGLE_CLIENT_SECRET", "secret"));
        // Cookies do not depend on the port, so both replicas get those of 127.0.0.1.
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });

        var page = await RedirectAsync(browser, new(sendcat.Replicas[0].Address, "/api/auth/google/start"));
        var callback = await RedirectAsync(browser, new($"{page}&account=ann@gmail.com"));
        Assert.Equal(sendcat.Replicas[0].Address.Port, callback.Port);
        var back = await RedirectAsync(browser, new(sendcat.Replicas[1].Address, callback.PathAndQuery));

        Assert.StartsWith("http://localhost:3000/?googleCode=", back.ToString(), StringComparison.Ordinal);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(sendcat.Replicas[0].Address, "/api/auth/google/exchange"))
        {
            Content = JsonContent.Create(new { code = back.Query.Split('=')[1] }),
            Headers = { { "Origin", "http://localhost:3000" } },
        };
        using var signedIn = await browser.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, signedIn.StatusCode);
        using var me = new HttpRequestMessage(HttpMethod.Get, new Uri(sendcat.Replicas[1].Address, "/api/auth/me"))
        {
            Headers = { Authorization = new("Bearer", (await signedIn.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("accessToken").GetString()) },
        };
        using var response = await browser.SendAsync(me);
        Assert.Equal("ann@gmail.com", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("email").GetString());
    }

    private static async Task<Uri> RedirectAsync(HttpClient browser, Uri address)
    {
        using var response = await browser.GetAsync(address);
        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        return response.Headers.Location!;
    }
}

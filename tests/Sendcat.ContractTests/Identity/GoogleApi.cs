using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.Identity;

/// <summary>The API and the emulated Google that it calls.</summary>
internal sealed class GoogleApi : IAsyncDisposable
{
    public const string PublicUrl = "https://api.sendcat.example";
    public const string App = "https://app.sendcat.example";

    private GoogleApi(SendcatApi api, UpstreamEmulatorHost google) => (Api, Google) = (api, google);

    public SendcatApi Api { get; }

    public UpstreamEmulatorHost Google { get; }

    public static async Task<GoogleApi> StartAsync(
        PostgresFixture postgres, Action<IServiceCollection>? services = null, params (string Name, string Value)[] knobs)
    {
        var google = await UpstreamEmulatorHost.StartAsync();
        var settings = new Dictionary<string, string>
        {
            ["GOOGLE_OAUTH_BASE_URL"] = google.Google.ToString(),
            ["GOOGLE_JWKS_URL"] = google.GoogleKeys.ToString(),
            ["GOOGLE_CLIENT_ID"] = "client",
            ["GOOGLE_CLIENT_SECRET"] = "secret",
            ["API_PUBLIC_URL"] = PublicUrl,
            ["ALLOWED_ORIGINS"] = $"{App},{Browser.Origin},https://münchen.example:8443",
            ["AUTH_CONFIRMED_DOMAINS"] = "gmail.com, corp.example",
            // Tests of faults share the circuit.
            ["CIRCUIT_GMAIL_OAUTH_THRESHOLD"] = "100",
        };
        foreach (var (name, value) in knobs)
        {
            settings[name] = value;
        }

        return new(await SendcatApi.StartAsync(postgres, settings, services), google);
    }

    /// <summary>A new address of the domain.</summary>
    public static string Address(string domain = "example.com") => $"{Guid.NewGuid():N}@{domain}";

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Google.DisposeAsync();
    }
}

/// <summary>A person who signs in with Google in a browser of their own.</summary>
internal sealed class GoogleUser(GoogleApi google)
{
    public Browser Browser { get; } = new(google.Api);

    /// <summary>Visits the start.</summary>
    /// <returns>The address of Google's page.</returns>
    public async Task<Uri> StartAsync(string? returnTo = null, string? challenge = null)
    {
        var path = "/api/auth/google/start";
        path = returnTo is null ? path : QueryHelpers.AddQueryString(path, "returnTo", returnTo);
        path = challenge is null ? path : QueryHelpers.AddQueryString(path, "challenge", challenge);
        return await RedirectAsync(path);
    }

    /// <summary>Chooses an account on Google's page.</summary>
    /// <param name="page">The address of Google's page.</param>
    /// <param name="account">The address of the account, and markers.</param>
    /// <returns>The path of the callback.</returns>
    public async Task<string> ChooseAsync(Uri page, string account)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var response = await http.GetAsync(QueryHelpers.AddQueryString(page.ToString(), "account", account));
        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        Assert.StartsWith(
            $"{GoogleApi.PublicUrl}/api/auth/google/callback?", response.Headers.Location!.ToString(), StringComparison.Ordinal);
        return response.Headers.Location.PathAndQuery;
    }

    /// <returns>The page to which the API sends the browser.</returns>
    public Task<Uri> ReturnAsync(string callback) => RedirectAsync(callback);

    /// <summary>All steps up to the page.</summary>
    public async Task<Uri> VisitAsync(string account, string? challenge = null) =>
        await ReturnAsync(await ChooseAsync(await StartAsync(challenge: challenge), account));

    /// <summary>All steps up to the one-time code.</summary>
    public async Task<string> CodeAsync(string account, string? challenge = null) => CodeIn(await VisitAsync(account, challenge));

    public async Task<HttpResponseMessage> ExchangeAsync(string code) =>
        await Browser.SendAsync(HttpMethod.Post, "/api/auth/google/exchange", new { code });

    /// <summary>Signs in with tokens.</summary>
    public async Task<(HttpClient Client, JsonNode Me)> SignInAsync(string account)
    {
        using var response = await ExchangeAsync(await CodeAsync(account));
        var client = google.Api.WithBearer((string)(await response.JsonAsync())["accessToken"]!);
        return (client, await (await client.GetAsync("/api/auth/me")).JsonAsync());
    }

    public static string CodeIn(Uri page) => Parameter(page, "googleCode") ?? throw new InvalidOperationException($"no code in {page}");

    public static string? ErrorIn(Uri page) => Parameter(page, "googleError");

    public static string? Parameter(Uri page, string name) =>
        QueryHelpers.ParseQuery(page.Query).TryGetValue(name, out var value) ? value.ToString() : null;

    private async Task<Uri> RedirectAsync(string path)
    {
        using var response = await Browser.SendAsync(HttpMethod.Get, path, origin: null);
        Assert.True(
            response.StatusCode == HttpStatusCode.Found, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        Assert.Equal(
            ("no-store", "no-referrer"),
            (response.Headers.CacheControl?.ToString(), response.Headers.GetValues("Referrer-Policy").Single()));
        return response.Headers.Location!;
    }
}

public sealed class GoogleApiFixture(PostgresFixture postgres) : IAsyncLifetime
{
    internal GoogleApi Google { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Google = await GoogleApi.StartAsync(postgres);

    public ValueTask DisposeAsync() => Google.DisposeAsync();
}

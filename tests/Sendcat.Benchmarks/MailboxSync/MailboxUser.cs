using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Sendcat.Benchmarks.MailboxSync;

/// <summary>A user with a mailbox at the emulated Google, and the browser of the user.</summary>
internal sealed class MailboxUser(Uri api, Uri emulator) : IDisposable
{
    private const string Address = "ann@example.com";
    private const string Account = $$"""{"email":"{{Address}}","password":"correct horse 1"}""";

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
    {
        Timeout = TimeSpan.FromMinutes(2),
    };

    /// <summary>The settings of API and worker that point at the emulated Google, in the form <c>NAME=VALUE</c>.</summary>
    public static IEnumerable<string> Settings(Uri emulator) =>
    [
        $"GOOGLE_OAUTH_BASE_URL={new Uri(emulator, "google")}",
        $"GOOGLE_JWKS_URL={new Uri(emulator, "google/oauth2/v3/certs")}",
        $"GMAIL_BASE_URL={new Uri(emulator, "gmail")}",
        "GMAIL_OAUTH_CLIENT_ID=client", "GMAIL_OAUTH_CLIENT_SECRET=secret", "GMAIL_PUBSUB_TOPIC=projects/emulator/topics/gmail",
        "GMAIL_SYNC_MAX_MESSAGES=20000",
        "ENCRYPTION_KEY=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "AUTH_CONFIRMED_DOMAINS=example.com", "ALLOWED_ORIGINS=https://app.example.com", "API_PUBLIC_URL=https://api.example.com",
    ];

    /// <summary>Puts mails of a sample into the mailbox, all of the last days.</summary>
    public async Task DeliverAsync(string sample, int count, CancellationToken cancellationToken)
    {
        var query = string.Create(
            CultureInfo.InvariantCulture,
            $"gmail/emulator/deliver?to={Address}&sample={sample}&number=1&count={count}&daysAgo=3&push=false");
        using var response = await _http.PostAsync(new Uri(emulator, query), null, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    public async Task SignInAsync(CancellationToken cancellationToken)
    {
        (await _http.PostAsync(new Uri(api, "api/auth/register"), Json(Account), cancellationToken)).EnsureSuccessStatusCode();
        using var signedIn = await _http.PostAsync(new Uri(api, "api/auth/login"), Json(Account), cancellationToken);
        var token = await TextAsync(signedIn, "accessToken", cancellationToken);
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Connects the mailbox, which begins the first sync.</summary>
    /// <exception cref="InvalidOperationException">It was refused.</exception>
    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        using var connect = await _http.PostAsync(new Uri(api, "api/gmail/connect"), null, cancellationToken);
        var page = await TextAsync(connect, "url", cancellationToken);
        using var agreed = await _http.GetAsync(new Uri($"{page}&account={Address}"), cancellationToken);

        // The callback is at the public address of the API, which this run does not have.
        using var callback = new HttpRequestMessage(HttpMethod.Get, new Uri(api, agreed.Headers.Location!.PathAndQuery));

        // The cookies are for https alone, so a cookie container would keep them from this address.
        callback.Headers.Add("Cookie", string.Join("; ", connect.Headers.GetValues("Set-Cookie").Select(cookie => cookie.Split(';')[0])));
        using var returned = await _http.SendAsync(callback, cancellationToken);
        if (returned.Headers.Location?.ToString().EndsWith("gmail=connected", StringComparison.Ordinal) is not true)
        {
            throw new InvalidOperationException($"The mailbox was not connected: {returned.StatusCode} {returned.Headers.Location}");
        }
    }

    /// <summary>The newest sync.</summary>
    public async Task<MailboxProgress> ProgressAsync(CancellationToken cancellationToken)
    {
        var status = await _http.GetFromJsonAsync<JsonElement>(new Uri(api, "api/gmail/status"), cancellationToken);
        return status.TryGetProperty("sync", out var sync)
            ? sync.Deserialize<MailboxProgress>(JsonSerializerOptions.Web)!
            : new("none", 0, 0, 0, 0, 0);
    }

    public void Dispose() => _http.Dispose();

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private static async Task<string> TextAsync(HttpResponseMessage response, string name, CancellationToken cancellationToken)
    {
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty(name).GetString()!;
    }
}

/// <summary>The progress of a sync as the API reports it.</summary>
internal sealed record MailboxProgress(string State, int Total, int Processed, int Failed, int ModelCalls, int DraftsCreated);

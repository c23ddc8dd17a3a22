using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Sendcat.KillRig.Delivering;

/// <summary>The account of a simulated user, signed in at one replica. It is used before faults are injected.</summary>
internal sealed class RigAccount : IDisposable
{
    /// <summary>Addresses of this domain count as confirmed.</summary>
    public const string ConfirmedDomain = "rig.example";

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    private RigAccount(HttpClient http) => Http = http;

    /// <summary>Sends requests of the user. It follows no redirects, and keeps no cookies.</summary>
    public HttpClient Http { get; }

    /// <exception cref="HttpRequestException">The replica refuses it.</exception>
    public static async Task<RigAccount> CreateAsync(Uri replica, string name, CancellationToken cancellationToken)
    {
        var user = new RigAccount(
            new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = replica });
        var account = $$"""{"email":"{{AddressOf(name)}}","password":"correct horse 1"}""";
        (await user.Http.PostAsync("api/auth/register", Json(account), cancellationToken)).EnsureSuccessStatusCode();
        using var signIn = await user.Http.PostAsync("api/auth/login", Json(account), cancellationToken);
        user.Http.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", await TextAsync(signIn, "accessToken", cancellationToken));
        return user;
    }

    /// <summary>The e-mail address of a user.</summary>
    public static string AddressOf(string name) => $"{name}@{ConfirmedDomain}";

    public static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    /// <summary>A property of a response.</summary>
    /// <exception cref="HttpRequestException">The response is no success.</exception>
    public static async Task<string> TextAsync(HttpResponseMessage response, string name, CancellationToken cancellationToken)
    {
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty(name).GetString()!;
    }

    /// <summary>Reads a page of the API until it shows what is expected.</summary>
    /// <exception cref="TimeoutException">It did not within a minute.</exception>
    public async Task UntilAsync(string path, Func<JsonElement, bool> isExpected, TimeProvider time, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (!isExpected(await Http.GetFromJsonAsync<JsonElement>(path, cancellationToken)))
        {
            if (time.GetElapsedTime(began) > MaxWait)
            {
                throw new TimeoutException($"{path} did not become what the rig needs.");
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }
    }

    public void Dispose() => Http.Dispose();
}

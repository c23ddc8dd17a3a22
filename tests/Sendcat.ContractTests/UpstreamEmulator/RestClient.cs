using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.UpstreamEmulator;

/// <summary>Sends requests to the emulated search upstreams as the worker does.</summary>
internal sealed class RestClient(UpstreamEmulatorHost emulator) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = emulator.Http1 };

    public HttpClient Http => _http;

    public Task<HttpResponseMessage> SerperAsync(
        string query, string route = "search", int num = 5, string? key = "serper-key", CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"serper/{route}") { Content = JsonContent.Create(new { q = query, num }) };
        request.Headers.TryAddWithoutValidation("X-API-KEY", key);
        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    public Task<HttpResponseMessage> SerpApiAsync(string query, string key = "serpapi-key", string engine = "google_shopping") =>
        _http.GetAsync($"serpapi/search.json?engine={engine}&q={Uri.EscapeDataString(query)}&num=5&api_key={Uri.EscapeDataString(key)}");

    public Task<HttpResponseMessage> TokenAsync(
        string credentials = "id:secret", string grant = "client_credentials", string scope = "https://api.ebay.com/oauth/api_scope") =>
        _http.SendAsync(new(HttpMethod.Post, "ebay/identity/v1/oauth2/token")
        {
            Headers =
                { Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials))) },
            Content = new FormUrlEncodedContent([new("grant_type", grant), new("scope", scope)]),
        });

    public async Task<string> NewTokenAsync()
    {
        using var response = await TokenAsync();
        return (await JsonAsync(response)).GetProperty("access_token").GetString()!;
    }

    public Task<HttpResponseMessage> EbayAsync(string path, string token, string marketplace = "EBAY_US") =>
        _http.SendAsync(new(HttpMethod.Get, $"ebay/{path}")
        {
            Headers = { { "Authorization", $"Bearer {token}" }, { "X-EBAY-C-MARKETPLACE-ID", marketplace } },
        });

    public async Task<JsonElement> SearchAsync(string token, string query, string filter = "", string more = "")
    {
        using var response = await EbayAsync(
            $"buy/browse/v1/item_summary/search?q={Uri.EscapeDataString(query)}&filter={Uri.EscapeDataString(filter)}{more}", token);
        Assert.Equal(System.Net.HttpStatusCode.OK, response.StatusCode);
        return await JsonAsync(response);
    }

    public static Task<JsonElement> JsonAsync(HttpResponseMessage response) => response.Content.ReadFromJsonAsync<JsonElement>();

    public void Dispose() => _http.Dispose();
}

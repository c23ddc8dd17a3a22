using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>Speaks HTTP to the provider. No retries, no timeouts here: <see cref="ProviderRouter"/> is the policy.</summary>
internal sealed class OpenRouterClient(OpenRouterTransport transport, IOptionsMonitor<ProviderRouteOptions> options, TimeProvider time) : IDisposable
{
    /// <summary>The whole catalogue is below 1 MiB today.</summary>
    private const int MaxCatalogueBytes = 16 * 1024 * 1024;

    private const int MaxErrorBytes = 16 * 1024;
    private const string Title = "Sendcat";

    private static readonly TimeSpan ErrorBodyWithin = TimeSpan.FromMilliseconds(20);
    private static readonly MediaTypeWithQualityHeaderValue EventStream = new("text/event-stream");
    private static readonly MediaTypeWithQualityHeaderValue Json = new("application/json");

    private readonly HttpMessageInvoker _http = new(transport.Handler, disposeHandler: false);

    /// <summary>Posts a chat request and comes back with the headers of a 2xx answer; the body is still to come.</summary>
    /// <exception cref="ProviderException">Any other status.</exception>
    public async Task<HttpResponseMessage> ChatAsync(ProviderRoute route, PooledBody body, CancellationToken cancellationToken)
    {
        using var message = Message(HttpMethod.Post, route.BaseUrl, "chat/completions", route.ApiKey, EventStream);
        message.Content = body;
        var response = await _http.SendAsync(message, cancellationToken);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            var retryAfterMs = ProviderFaults.RetryAfterMs(response.Headers, time.GetUtcNow());
            await ReadAwayAsync(response, cancellationToken);
            throw new ProviderFaults(route.Id).Status((int)response.StatusCode, retryAfterMs);
        }
    }

    /// <summary>The provider's live catalogue.</summary>
    /// <exception cref="HttpRequestException">The provider did not answer with 200.</exception>
    public async Task<JsonDocument> ModelsAsync(string baseUrl, string apiKey, CancellationToken cancellationToken)
    {
        using var message = Message(HttpMethod.Get, baseUrl, "models", apiKey, Json);
        using var response = await _http.SendAsync(message, cancellationToken);
        response.EnsureSuccessStatusCode();
        await response.Content.LoadIntoBufferAsync(MaxCatalogueBytes, cancellationToken);
        return await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Message(HttpMethod method, string baseUrl, string path, string apiKey, MediaTypeWithQualityHeaderValue accept)
    {
        var knobs = options.CurrentValue;
        var message = new HttpRequestMessage(method, new Uri($"{baseUrl.TrimEnd('/')}/{path}"));
        (message.Version, message.VersionPolicy) = knobs.HttpVersion switch
        {
            "2" => (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact),
            "1.1" => (HttpVersion.Version11, HttpVersionPolicy.RequestVersionExact),
            _ => (HttpVersion.Version20, HttpVersionPolicy.RequestVersionOrLower),
        };
        var headers = message.Headers;
        headers.Accept.Add(accept);
        headers.TryAddWithoutValidation("X-Title", Title);
        if (!string.IsNullOrWhiteSpace(apiKey))
        {
            headers.TryAddWithoutValidation("Authorization", $"Bearer {apiKey.Trim()}");
        }

        if (!string.IsNullOrWhiteSpace(knobs.AppUrl))
        {
            headers.TryAddWithoutValidation("HTTP-Referer", knobs.AppUrl.Trim());
        }

        return message;
    }

    /// <summary>The body of a refusal is not looked at (its words are the provider's), only read away if it is already there, so that the connection can serve again.</summary>
    private async Task ReadAwayAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var briefly = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var timer = time.CreateTimer(static cancel => ((CancellationTokenSource)cancel!).Cancel(), briefly, ErrorBodyWithin, Timeout.InfiniteTimeSpan);
        try
        {
            await response.Content.LoadIntoBufferAsync(MaxErrorBytes, briefly.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // Then this connection is closed instead.
        }
    }
}

using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// Sends HTTP requests to the provider. Retries and the timeouts of chat requests are the task of <see cref="ProviderCall"/> and
/// <see cref="RouteAttempt"/>.
/// </summary>
internal sealed class OpenRouterClient(
    OpenRouterTransport transport, IOptionsMonitor<ProviderRouteOptions> options, IOptionsMonitor<OpenRouterOptions> account,
    TimeProvider time) : IDisposable
{
    /// <summary>Maximum bytes of the catalogue. The whole catalogue is below 1 MiB today.</summary>
    private const int MaxCatalogueBytes = 16 * 1024 * 1024;

    private const int MaxErrorBytes = 16 * 1024;
    private const string Title = "Sendcat";

    private static readonly TimeSpan ErrorBodyTimeout = TimeSpan.FromMilliseconds(20);
    private static readonly MediaTypeWithQualityHeaderValue EventStream = new("text/event-stream");
    private static readonly MediaTypeWithQualityHeaderValue Json = new("application/json");

    private readonly HttpMessageInvoker _http = new(transport.Handler, disposeHandler: false);

    /// <summary>Posts a chat request and returns when the headers of a 2xx response have arrived. The caller reads the body.</summary>
    /// <exception cref="ProviderException">The status is not 2xx.</exception>
    /// <exception cref="HttpRequestException">The connection failed.</exception>
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
            var retryAfter = RetryAfterHeader.Read(response.Headers, time.GetUtcNow());
            await DrainAsync(response, cancellationToken);
            throw new ProviderFaults(route.Id).Status(
                (int)response.StatusCode, retryAfter is { } wait ? ProviderFaults.Milliseconds(wait) : null);
        }
    }

    /// <summary>Fetches the provider's live model catalogue, at most 16 MiB.</summary>
    /// <exception cref="HttpRequestException">The connection failed, the status is not 2xx, or the body is too large.</exception>
    /// <exception cref="JsonException">The body is not JSON.</exception>
    public async Task<JsonDocument> ModelsAsync(string baseUrl, string apiKey, CancellationToken cancellationToken)
    {
        using var message = Message(HttpMethod.Get, baseUrl, "models", apiKey, Json);
        using var response = await _http.SendAsync(message, cancellationToken);
        response.EnsureSuccessStatusCode();
        await response.Content.LoadIntoBufferAsync(MaxCatalogueBytes, cancellationToken);
        return await JsonDocument.ParseAsync(
            await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Message(
        HttpMethod method, string baseUrl, string path, string apiKey, MediaTypeWithQualityHeaderValue accept)
    {
        var knobs = options.CurrentValue;
        var message = new HttpRequestMessage(method, new Uri($"{baseUrl.TrimEnd('/')}/{path}"));
        account.CurrentValue.ApplyVersion(message);
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

    /// <summary>
    /// Reads and discards the body of an error response, if it arrives within <see cref="ErrorBodyTimeout"/>, so that the connection can be
    /// reused. The content is ignored, because clients must not see text of the provider.
    /// </summary>
    private async Task DrainAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var timer = time.CreateTimer(
            static cancel => ((CancellationTokenSource)cancel!).Cancel(), timeout, ErrorBodyTimeout, Timeout.InfiniteTimeSpan);
        try
        {
            await response.Content.LoadIntoBufferAsync(MaxErrorBytes, timeout.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The connection is closed instead of reused.
        }
    }
}

using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.Providers;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outbound;
using Sendcat.ToolWorker.Upstreams;

namespace Sendcat.ToolWorker.SearchGlobal;

/// <summary>Client of the global product search: Serper's shopping search, or SerpAPI's when only SerpAPI has a key.</summary>
internal sealed class GlobalSearch(Upstream upstream, IOptionsMonitor<UpstreamOptions> options)
{
    private const int MaxLimit = 36;

    /// <param name="location">A two-letter country code, or the name of a locationParameter.</param>
    /// <param name="tooLate">
    /// Cancelled when the caller no longer waits for the response. The circuit breaker counts this as a failure of the upstream.
    /// </param>
    public async Task<UpstreamResult<IReadOnlyList<Product>>> SearchAsync(
        string query, int limit, string? location, CancellationToken tooLate, CancellationToken cancellationToken)
    {
        var (settings, policy, locationParameter) =
            (options.CurrentValue, GlobalSearchProvider.Policy.ForJobs(tooLate), LocationParameter(location));
        limit = Math.Clamp(limit, 1, MaxLimit);
        var country = locationParameter is { Name: "gl" } code ? code.Value : null;
        return settings switch
        {
            { SerperApiKey.Length: > 0 } => await upstream.RequestAsync(
                policy, () => Serper(settings, query, limit, locationParameter), response => Read(response, "shopping", limit, country),
                cancellationToken),
            { SerpApiKey.Length: > 0 } => await upstream.RequestAsync(
                policy, () => SerpApi(settings, query, limit, locationParameter), response => ReadSerpApi(response, limit, country),
                cancellationToken),
            _ => new UpstreamError("Neither SERPER_API_KEY nor SERPAPI_API_KEY is set.", Retryable: false) { IsMisconfigured = true },
        };
    }

    private static HttpRequestMessage Serper(
        UpstreamOptions settings, string query, int limit, (string Name, string Value)? locationParameter)
    {
        var body = new Dictionary<string, object>(StringComparer.Ordinal) { ["q"] = query, ["num"] = limit };
        if (locationParameter is { } parameter)
        {
            body[parameter.Name] = parameter.Value;
        }

        return new(HttpMethod.Post, $"{settings.SerperBaseUrl.TrimEnd('/')}/shopping")
        {
            Headers = { { "X-API-KEY", settings.SerperApiKey } },
            Content = JsonContent.Create(body),
        };
    }

    private static HttpRequestMessage SerpApi(
        UpstreamOptions settings, string query, int limit, (string Name, string Value)? locationParameter)
    {
        var from = locationParameter is { } parameter ? $"&{parameter.Name}={Uri.EscapeDataString(parameter.Value)}" : "";
        var count = limit.ToString(CultureInfo.InvariantCulture);
        var key = Uri.EscapeDataString(settings.SerpApiKey);
        return new(
            HttpMethod.Get,
            $"{settings.SerpApiBaseUrl.TrimEnd('/')}/search.json?engine=google_shopping&q={Uri.EscapeDataString(query)}"
            + $"&num={count}{from}&api_key={key}");
    }

    /// <summary>
    /// The query parameter for a location. Both upstreams take a country code as <c>gl</c> and the name of a locationParameter as
    /// <c>location</c>.
    /// </summary>
    private static (string Name, string Value)? LocationParameter(string? location) => location switch
    {
        null or "" => null,
        { Length: 2 } country when country.All(char.IsAsciiLetter) => ("gl", country.ToLowerInvariant()),
        _ => ("location", location),
    };

    /// <summary>SerpAPI reports "no results" as an <c>error</c> text in a successful response.</summary>
    private static IReadOnlyList<Product>? ReadSerpApi(JsonElement response, int limit, string? country) =>
        response.Text("error") is null ? Read(response, "shopping_results", limit, country)
        : response.Part("search_metadata") is { } about && about.Text("status") == "Success" ? []
        : null;

    private static IReadOnlyList<Product>? Read(JsonElement response, string list, int limit, string? country) =>
        response.ValueKind is JsonValueKind.Object
            ? response.Items(list).Select(row => GlobalProduct.Read(row, country)).OfType<Product>().Take(limit).ToArray()
            : null;
}

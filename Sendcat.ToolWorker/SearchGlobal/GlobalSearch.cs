using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolJobs.Tools;
using Sendcat.ToolWorker.Upstreams;

namespace Sendcat.ToolWorker.SearchGlobal;

/// <summary>Products of shops all over: Serper's shopping search, or SerpAPI's where only that has a key.</summary>
internal sealed class GlobalSearch(Upstream upstream, IOptionsMonitor<UpstreamOptions> options)
{
    private const int MostAsked = 36;

    public async Task<UpstreamAnswer<IReadOnlyList<Product>>> SearchAsync(string query, int limit, string? location, CancellationToken cancellationToken)
    {
        var settings = options.CurrentValue;
        limit = Math.Clamp(limit, 1, MostAsked);
        return settings switch
        {
            { SerperApiKey.Length: > 0 } => await upstream.AskAsync(UpstreamPolicy.Global, () => Serper(settings, query, limit, location), answer => Read(answer, "shopping", limit), cancellationToken),
            { SerpApiKey.Length: > 0 } => await upstream.AskAsync(UpstreamPolicy.Global, () => SerpApi(settings, query, limit, location), answer => ReadSerpApi(answer, limit), cancellationToken),
            _ => new UpstreamError("Neither SERPER_API_KEY nor SERPAPI_API_KEY is set.", Retryable: false) { IsMisconfigured = true },
        };
    }

    private static HttpRequestMessage Serper(UpstreamOptions settings, string query, int limit, string? location)
    {
        var body = new Dictionary<string, object>(StringComparer.Ordinal) { ["q"] = query, ["num"] = limit };
        if (location is { Length: > 0 })
        {
            body["location"] = location;
        }

        return new(HttpMethod.Post, $"{settings.SerperBaseUrl.TrimEnd('/')}/shopping")
        {
            Headers = { { "X-API-KEY", settings.SerperApiKey } },
            Content = JsonContent.Create(body),
        };
    }

    private static HttpRequestMessage SerpApi(UpstreamOptions settings, string query, int limit, string? location)
    {
        var place = location is { Length: > 0 } ? $"&location={Uri.EscapeDataString(location)}" : "";
        var count = limit.ToString(CultureInfo.InvariantCulture);
        return new(
            HttpMethod.Get,
            $"{settings.SerpApiBaseUrl.TrimEnd('/')}/search.json?engine=google_shopping&q={Uri.EscapeDataString(query)}&num={count}{place}&api_key={Uri.EscapeDataString(settings.SerpApiKey)}");
    }

    /// <summary>SerpAPI says "no results" by an error in a success.</summary>
    private static IReadOnlyList<Product>? ReadSerpApi(JsonElement answer, int limit) =>
        answer.Text("error") is null ? Read(answer, "shopping_results", limit)
        : answer.Part("search_metadata") is { } about && about.Text("status") == "Success" ? []
        : null;

    private static IReadOnlyList<Product>? Read(JsonElement answer, string list, int limit) =>
        answer.ValueKind is JsonValueKind.Object ? answer.Items(list).Select(GlobalProduct.Read).OfType<Product>().Take(limit).ToArray() : null;
}

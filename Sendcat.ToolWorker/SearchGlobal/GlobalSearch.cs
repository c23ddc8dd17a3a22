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

    /// <param name="location">A country by its two letters, or a place by its name.</param>
    /// <param name="tooLate">Rings when the answer is no longer waited for, which is the upstream's failure.</param>
    public async Task<UpstreamAnswer<IReadOnlyList<Product>>> SearchAsync(string query, int limit, string? location, CancellationToken tooLate, CancellationToken cancellationToken)
    {
        var (settings, policy, place) = (options.CurrentValue, UpstreamPolicy.Global.ForJobs(tooLate), Place(location));
        limit = Math.Clamp(limit, 1, MostAsked);
        return settings switch
        {
            { SerperApiKey.Length: > 0 } => await upstream.RequestAsync(policy, () => Serper(settings, query, limit, place), answer => Read(answer, "shopping", limit), cancellationToken),
            { SerpApiKey.Length: > 0 } => await upstream.RequestAsync(policy, () => SerpApi(settings, query, limit, place), answer => ReadSerpApi(answer, limit), cancellationToken),
            _ => new UpstreamError("Neither SERPER_API_KEY nor SERPAPI_API_KEY is set.", Retryable: false) { IsMisconfigured = true },
        };
    }

    private static HttpRequestMessage Serper(UpstreamOptions settings, string query, int limit, (string Name, string Value)? place)
    {
        var body = new Dictionary<string, object>(StringComparer.Ordinal) { ["q"] = query, ["num"] = limit };
        if (place is { } where)
        {
            body[where.Name] = where.Value;
        }

        return new(HttpMethod.Post, $"{settings.SerperBaseUrl.TrimEnd('/')}/shopping")
        {
            Headers = { { "X-API-KEY", settings.SerperApiKey } },
            Content = JsonContent.Create(body),
        };
    }

    private static HttpRequestMessage SerpApi(UpstreamOptions settings, string query, int limit, (string Name, string Value)? place)
    {
        var from = place is { } where ? $"&{where.Name}={Uri.EscapeDataString(where.Value)}" : "";
        var count = limit.ToString(CultureInfo.InvariantCulture);
        return new(
            HttpMethod.Get,
            $"{settings.SerpApiBaseUrl.TrimEnd('/')}/search.json?engine=google_shopping&q={Uri.EscapeDataString(query)}&num={count}{from}&api_key={Uri.EscapeDataString(settings.SerpApiKey)}");
    }

    /// <summary>Both upstreams know countries as <c>gl</c> and places by their names as <c>location</c>.</summary>
    private static (string Name, string Value)? Place(string? location) => location switch
    {
        null or "" => null,
        { Length: 2 } country when country.All(char.IsAsciiLetter) => ("gl", country.ToLowerInvariant()),
        _ => ("location", location),
    };

    /// <summary>SerpAPI says "no results" by an error in a success.</summary>
    private static IReadOnlyList<Product>? ReadSerpApi(JsonElement answer, int limit) =>
        answer.Text("error") is null ? Read(answer, "shopping_results", limit)
        : answer.Part("search_metadata") is { } about && about.Text("status") == "Success" ? []
        : null;

    private static IReadOnlyList<Product>? Read(JsonElement answer, string list, int limit) =>
        answer.ValueKind is JsonValueKind.Object ? answer.Items(list).Select(GlobalProduct.Read).OfType<Product>().Take(limit).ToArray() : null;
}

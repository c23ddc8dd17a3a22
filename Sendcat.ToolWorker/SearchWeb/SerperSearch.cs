using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.Providers;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outbound;
using Sendcat.ToolWorker.Upstreams;

namespace Sendcat.ToolWorker.SearchWeb;

/// <summary>Client of Serper's web search.</summary>
internal sealed class SerperSearch(Upstream upstream, IOptionsMonitor<UpstreamOptions> options)
{
    private const int MaxHits = 5;

    public async Task<UpstreamResult<IReadOnlyList<SearchWebHit>>> SearchAsync(string query, CancellationToken cancellationToken)
    {
        var settings = options.CurrentValue;
        if (settings.SerperApiKey.Length == 0)
        {
            return new UpstreamError("SERPER_API_KEY is not set.", Retryable: false) { IsMisconfigured = true };
        }

        return await upstream.RequestAsync(SerperProvider.Policy.ForJobs(CancellationToken.None), Request, Read, cancellationToken);

        HttpRequestMessage Request() => new(HttpMethod.Post, $"{settings.SerperBaseUrl.TrimEnd('/')}/search")
        {
            Headers = { { "X-API-KEY", settings.SerperApiKey } },
            Content = JsonContent.Create(new { q = query, num = MaxHits }),
        };
    }

    private static IReadOnlyList<SearchWebHit>? Read(JsonElement response) =>
        response.ValueKind is not JsonValueKind.Object ? null : response.Items("organic")
            .Select(item => (Title: item.Title(), Link: item.Address("link"), Snippet: Row.Cut(item.Text("snippet"), Row.LongestSnippet)))
            .Where(item => item is { Title: not null, Link: not null })
            .Take(MaxHits)
            .Select(item => new SearchWebHit(item.Title!, item.Link!, item.Snippet))
            .ToArray();
}

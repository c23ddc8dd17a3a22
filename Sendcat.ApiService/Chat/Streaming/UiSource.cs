using System.Globalization;
using System.Text.Json;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>A hit of the web search, in the form in which standard AI SDK clients show citations.</summary>
internal sealed record UiSource(string Id, string Url, string Title)
{
    public static IEnumerable<UiSource> Of(ChatEvent.ToolOutputPartial partial) =>
        Of(partial.ToolCallId, JsonSerializer.Deserialize(partial.OutputJson, ToolJson.Default.IReadOnlyListSearchWebHit) ?? []);

    public static IEnumerable<UiSource> Of(string toolCallId, IReadOnlyList<SearchWebHit> hits) =>
        hits.Select(
            (hit, number) => new UiSource(string.Create(CultureInfo.InvariantCulture, $"{toolCallId}-{number}"), hit.Link, hit.Title))
        // Clients render these as links, so only web addresses are passed on.
        .Where(source => WebAddress.Of(source.Url) is not null);
}

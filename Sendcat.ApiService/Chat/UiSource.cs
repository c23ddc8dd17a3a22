using System.Globalization;
using System.Text.Json;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Chat;

/// <summary>A find of the web search as stock clients show citations.</summary>
internal sealed record UiSource(string Id, string Url, string Title)
{
    public static IEnumerable<UiSource> Of(ChatEvent.ToolOutputPartial partial) =>
        (JsonSerializer.Deserialize(partial.OutputJson, ToolJson.Default.IReadOnlyListSearchWebHit) ?? [])
        .Select((hit, number) => new UiSource(string.Create(CultureInfo.InvariantCulture, $"{partial.ToolCallId}-{number}"), hit.Link, hit.Title))
        // Clients make links of them: nothing but web addresses.
        .Where(source => WebAddress.Of(source.Url) is not null);
}

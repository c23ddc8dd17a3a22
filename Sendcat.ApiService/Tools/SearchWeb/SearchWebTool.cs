using System.Text.Json;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Tools.SearchWeb;

/// <summary>Searches the web. The model gets the finds as JSON, the reader as rows.</summary>
internal sealed class SearchWebTool(ToolLookup lookup, ToolCacheSlots slots) : ITool
{
    public ToolDeclaration Declaration { get; } = new(
        ToolNames.SearchWeb,
        "Searches the web for current facts: reviews, prices, news, shipping and customs rules. Returns titles, links and snippets of the first finds.",
        """{"type":"object","properties":{"query":{"type":"string","description":"What to search for, in a few words."}},"required":["query"],"additionalProperties":false}""");

    public int PerTurn => 2;

    public bool OfferedWhen(bool webSearch) => webSearch;

    public async Task<ToolAnswer> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        if (!call.WebSearch)
        {
            return new("Web search is switched off in this conversation. Answer with what you know.", Failed: true);
        }

        if (ToolArguments.Read(call.ArgumentsJson).Text("query") is not { } query)
        {
            return new(DegradedTexts.NothingAsked, Failed: true);
        }

        var slot = slots.SearchWeb(query);
        var found = await lookup.FindAsync(slot, ToolJson.Default.SearchWebResult, Job, cancellationToken);
        ToolMetrics.Answered(call.Name, found.Where);
        return found.Value is { } result ? Answer(result, found) : new(DegradedTexts.Of("web search", found.Trouble), Failed: true, Pressure: found.Pressure);

        ToolJobRequest Job() => new(
            ToolLane.SearchWeb,
            JsonSerializer.Serialize(new SearchWebArguments(query), ToolJson.Default.SearchWebArguments),
            call.Principal,
            new(slot.Space.Name, slot.Key));
    }

    private static ToolAnswer Answer(SearchWebResult result, Found<SearchWebResult> found)
    {
        var rows = FoundRows.Fit(result.SearchResults);
        if (rows.Count == 0)
        {
            return new("Nothing was found. Search for something else, or answer with what you know.", Pressure: found.Pressure);
        }

        var hits = FoundJson.Hits(rows);
        return new(found.Where == LookupSource.StaleCache ? $"{DegradedTexts.OutOfDate}\n{hits}" : hits, hits, Pressure: found.Pressure);
    }
}

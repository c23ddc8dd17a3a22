using System.Text.Json;
using Sendcat.ApiService.Providers;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Tools.SearchWeb;

/// <summary>Searches the web. The model and the client get the results as JSON rows.</summary>
internal sealed class SearchWebTool(ToolLookup lookup) : ITool
{
    public ToolDeclaration Declaration { get; } = new(
        QueuedTool.SearchWeb.Name,
        "Searches the web for current facts: reviews, prices, news, shipping and customs rules. Returns titles, links and "
        + "snippets of the first finds.",
        """{"type":"object","properties":{"query":{"type":"string","description":"What to search for, in a few words."}},"required":["query"],"additionalProperties":false}""");

    public int PerTurn => 2;

    public bool OfferedWhen(bool webSearch) => webSearch;

    public async Task<ToolCallResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        if (!call.WebSearch)
        {
            return new("Web search is switched off in this conversation. Answer with what you know.", Failed: true);
        }

        if (ToolArguments.Read(call.ArgumentsJson).Text("query") is not { } query)
        {
            return new(DegradedTexts.MissingQuery, Failed: true);
        }

        var search = new SearchWebArguments(query);
        var found = await lookup.FindAsync(call, QueuedTool.SearchWeb, search.CacheKey, ToolJson.Default.SearchWebResult, Job,
            cancellationToken);
        ToolMetrics.RecordSearch(call.Name, found.Source);
        return found.Value is { } result
            ? ToCallResult(result, found)
            : new(DegradedTexts.Of(QueuedTool.SearchWeb, found.JobOutcome), Failed: true, Pressure: found.Pressure);

        ToolJobRequest Job(ToolJobCacheSlot slot) =>
            new(QueuedTool.SearchWeb.Lane, JsonSerializer.Serialize(search, ToolJson.Default.SearchWebArguments), call.Principal, slot);
    }

    private static ToolCallResult ToCallResult(SearchWebResult result, LookupResult<SearchWebResult> found)
    {
        var rows = ResultRows.Fit(result.SearchResults);
        if (rows.Count == 0)
        {
            return new("Nothing was found. Search for something else, or answer with what you know.", Pressure: found.Pressure);
        }

        var hits = ResultJson.Hits(rows);
        return new(
            found.Source == LookupSource.StaleCache ? $"{DegradedTexts.OutOfDate}\n{hits}" : hits, hits, Hits: rows,
            Pressure: found.Pressure);
    }
}

using System.Text.Json;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools.SearchProducts;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Tools.SearchGlobal;

/// <summary>
/// Searches shops other than eBay. It is no longer declared to models, because <c>search_products</c> includes these shops. Calls of models
/// that know the tool from earlier messages still work.
/// </summary>
internal sealed class SearchGlobalTool(ToolLookup lookup, TagLink tagLink) : ITool
{
    private const int DefaultLimit = 12;
    private const int MaxLimit = 36;

    public ToolDeclaration Declaration { get; } = new(
        QueuedTool.SearchGlobal.Name,
        "Searches online shops other than eBay.",
        """{"type":"object","properties":{"query":{"type":"string"},"limit":{"type":"integer"},"location":{"type":"string"}},"required":["query"],"additionalProperties":false}""");

    public int PerTurn => 2;

    public bool OfferedWhen(bool webSearch) => false;

    public async Task<ToolCallResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var arguments = ToolArguments.Read(call.ArgumentsJson);
        if (arguments.Text("query") is not { } query)
        {
            return new(DegradedTexts.MissingQuery, Failed: true);
        }

        var search = new SearchGlobalArguments(query, arguments.Count("limit", 1, MaxLimit, DefaultLimit), arguments.Text("location"));
        var found = await lookup.FindAsync(call, QueuedTool.SearchGlobal, search.CacheKey, ToolJson.Default.ProductsResult, Job,
            cancellationToken);
        ToolMetrics.RecordSearch(call.Name, found.Source);
        return ProductsAnswer.Of(query, QueuedTool.SearchGlobal, found, link => tagLink(link, call.Principal));

        ToolJobRequest Job(ToolJobCacheSlot slot) =>
            new(
                QueuedTool.SearchGlobal.Lane, JsonSerializer.Serialize(search, ToolJson.Default.SearchGlobalArguments), call.Principal,
                slot);
    }
}

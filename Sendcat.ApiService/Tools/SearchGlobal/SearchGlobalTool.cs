using System.Text.Json;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools.SearchProducts;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Tools.SearchGlobal;

/// <summary>
/// Searches shops other than eBay. It is no longer declared to models, because <c>search_products</c> includes these shops. Calls of models
/// that know the tool from earlier messages still work.
/// </summary>
internal sealed class SearchGlobalTool(ToolLookup lookup, ToolCacheSlots slots) : ITool
{
    private const int DefaultLimit = 12;
    private const int MaxLimit = 36;

    public ToolDeclaration Declaration { get; } = new(
        ToolNames.SearchGlobal,
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

        var (limit, location) = (arguments.Count("limit", 1, MaxLimit, DefaultLimit), arguments.Text("location"));
        var slot = slots.SearchGlobal(query, limit, location);
        var found = await lookup.FindAsync(slot, ToolJson.Default.ProductsResult, Job, cancellationToken);
        ToolMetrics.RecordSearch(call.Name, found.Source);
        return ProductsAnswer.Of(query, "search of other shops", found);

        ToolJobRequest Job() => new(
            ToolLane.SearchGlobal,
            JsonSerializer.Serialize(new SearchGlobalArguments(query, limit, location), ToolJson.Default.SearchGlobalArguments),
            call.Principal,
            new(slot.Space.Name, slot.Key));
    }
}

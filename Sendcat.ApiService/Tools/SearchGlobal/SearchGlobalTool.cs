using System.Text.Json;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools.SearchProducts;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Tools.SearchGlobal;

/// <summary>Searches shops other than eBay. Not offered to models any more, since <c>search_products</c> asks them too; answered for those that remember it.</summary>
internal sealed class SearchGlobalTool(ToolLookup lookup, ToolCacheSlots slots) : ITool
{
    private const int UsualLimit = 12;
    private const int HighestLimit = 36;

    public ToolDeclaration Declaration { get; } = new(
        ToolNames.SearchGlobal,
        "Searches online shops other than eBay.",
        """{"type":"object","properties":{"query":{"type":"string"},"limit":{"type":"integer"},"location":{"type":"string"}},"required":["query"],"additionalProperties":false}""");

    public int PerTurn => 2;

    public bool OfferedWhen(bool webSearch) => false;

    public async Task<ToolAnswer> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var arguments = ToolArguments.Read(call.ArgumentsJson);
        if (arguments.Text("query") is not { } query)
        {
            return new(DegradedTexts.NothingAsked, Failed: true);
        }

        var (limit, location) = (arguments.Count("limit", 1, HighestLimit, UsualLimit), arguments.Text("location"));
        var slot = slots.SearchGlobal(query, limit, location);
        var found = await lookup.FindAsync(slot, ToolJson.Default.ProductsResult, Job, cancellationToken);
        ToolMetrics.Answered(call.Name, found.Where);
        return ProductsAnswer.Of(query, "search of other shops", found);

        ToolJobRequest Job() => new(
            ToolLane.SearchGlobal,
            JsonSerializer.Serialize(new SearchGlobalArguments(query, limit, location), ToolJson.Default.SearchGlobalArguments),
            call.Principal,
            new(slot.Space.Name, slot.Key));
    }
}

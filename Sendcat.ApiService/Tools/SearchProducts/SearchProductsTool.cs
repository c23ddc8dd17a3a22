using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers;
using Sendcat.Integrations.Ebay;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Tools.SearchProducts;

/// <summary>
/// Searches eBay and other shops for products. A call also counts as a call of <c>search_global</c>. If the turn has no calls of
/// <c>search_global</c> left, the tool searches only eBay.
/// </summary>
internal sealed class SearchProductsTool(
    ToolLookup lookup, EbayCategories categories, IOptionsMonitor<EbayOptions> options, TagLink tagLink)
    : ITool
{
    public ToolDeclaration Declaration { get; } = new(
        QueuedTool.SearchProducts.Name,
        "Searches eBay and other online shops for products. What it finds is shown to the user as cards.",
        """
        {"type":"object","properties":{
        "query":{"type":"string","description":"What to look for, in a few words, without the price."},
        "limit":{"type":"integer","minimum":1,"maximum":36,"default":36},
        "categoryId":{"type":"string","description":"An eBay category's number, if known."},
        "categoryName":{"type":"string","description":"An eBay category's name, for instance Rice Cookers."},
        "minPrice":{"type":"number","description":"USD."},
        "maxPrice":{"type":"number","description":"USD."},
        "condition":{"type":"string","enum":["new","used","refurbished","open_box"]},
        "shipping":{"type":"string","enum":["free","fast"]},
        "sellerRating":{"type":"integer","minimum":95,"maximum":100,"default":95,"description":"Least share of positive feedback, in percent."},
        "location":{"type":"string","description":"Two-letter country where the item is."}
        },"required":["query"],"additionalProperties":false}
        """.ReplaceLineEndings(""));

    public int PerTurn => 2;

    public bool OfferedWhen(bool webSearch) => true;

    public async Task<ToolCallResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        if (ProductSearch.Read(call.ArgumentsJson) is not { } arguments)
        {
            return new(DegradedTexts.MissingQuery, Failed: true);
        }

        var marketplace = options.CurrentValue.MarketplaceId;
        if (arguments is { CategoryId: null, CategoryName: { } name })
        {
            arguments = arguments with { CategoryId = await categories.FindIdAsync(marketplace, name, cancellationToken) };
        }

        var found = await lookup.FindAsync(call, QueuedTool.SearchProducts, arguments.CacheKeyAt(marketplace),
            ToolJson.Default.ProductsResult, Job, cancellationToken);
        ToolMetrics.RecordSearch(call.Name, found.Source);
        return ProductsAnswer.Of(arguments.Query, QueuedTool.SearchProducts, found, link => tagLink(link, call.Principal));

        ToolJobRequest Job(ToolJobCacheSlot slot)
        {
            var includeGlobal = call.Budget.TryTakeOptional(QueuedTool.SearchGlobal.Name);
            return new(
                QueuedTool.SearchProducts.Lane,
                JsonSerializer.Serialize(arguments with { IncludeGlobal = includeGlobal }, ToolJson.Default.SearchProductsArguments),
                call.Principal,
                // A search of eBay alone is incomplete, so it gets no cache slot: it is neither cached nor shared with other turns.
                includeGlobal ? slot : null);
        }
    }
}

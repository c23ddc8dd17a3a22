using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.Outbound.Ebay;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Tools.SearchProducts;

/// <summary>Searches eBay and other shops for things to buy. Counts as a search of other shops, too; when the turn has no more of those, eBay alone is asked.</summary>
internal sealed class SearchProductsTool(ToolLookup lookup, ToolCacheSlots slots, EbayCategories categories, IOptionsMonitor<EbayOptions> options) : ITool
{
    public ToolDeclaration Declaration { get; } = new(
        ToolNames.SearchProducts,
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

    public async Task<ToolAnswer> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        if (ProductSearch.Read(call.ArgumentsJson) is not { } asked)
        {
            return new(DegradedTexts.NothingAsked, Failed: true);
        }

        var marketplace = options.CurrentValue.MarketplaceId;
        if (asked is { CategoryId: null, CategoryName: { } name })
        {
            asked = asked with { CategoryId = await categories.FindIdAsync(marketplace, name, cancellationToken) };
        }

        var slot = slots.SearchProducts(
            asked.Query, asked.Limit, asked.CategoryId, asked.CategoryName, asked.MinPrice, asked.MaxPrice, asked.Condition, asked.Shipping, asked.SellerRating, asked.Location, marketplace);
        var found = await lookup.FindAsync(slot, ToolJson.Default.ProductsResult, Job, cancellationToken);
        ToolMetrics.Answered(call.Name, found.Where);
        return ProductsAnswer.Of(asked.Query, "product search", found);

        ToolJobRequest Job()
        {
            var everywhere = call.Budget.TryShare(ToolNames.SearchGlobal);
            return new(
                ToolLane.SearchProducts,
                JsonSerializer.Serialize(asked with { IncludeGlobal = everywhere }, ToolJson.Default.SearchProductsArguments),
                call.Principal,
                // Half a search is nobody else's: it is neither kept nor shared.
                everywhere ? new(slot.Space.Name, slot.Key) : null);
        }
    }
}

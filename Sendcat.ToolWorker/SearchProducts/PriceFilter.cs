using Sendcat.Integrations.Tools;

namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>
/// Filters products by the requested price range. eBay applies the range itself. The global search has no such filter, so its products are
/// filtered here.
/// </summary>
internal static class PriceFilter
{
    /// <summary>
    /// True when the price is in the range. Also true for a price that is not in US dollars or cannot be read, so that such a product is
    /// shown.
    /// </summary>
    public static bool Allows(SearchProductsArguments request, Product product) =>
        product is not { PriceCurrency: "USD", PriceAmount: { } dollars }
        || (dollars >= (request.MinPrice ?? 0) && dollars <= (request.MaxPrice ?? decimal.MaxValue));
}

using System.Globalization;
using Sendcat.Integrations.Tools;

namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>
/// Writes a search in eBay's query language (Buy APIs, field filters). eBay ignores an unknown filter and only returns a warning. eBay has
/// no filter for a seller's share of positive feedback, and its filter for expedited shipping requires the buyer's postal code. <see
/// cref="EbaySearch"/> applies these two conditions.
/// </summary>
internal static class EbayQuery
{
    private const int MaxLimit = 200;

    /// <summary>
    /// Path and query relative to eBay's base address. It requests twice the wanted number of items, because items are filtered by seller
    /// afterwards.
    /// </summary>
    public static string Of(SearchProductsArguments request)
    {
        var category = request.CategoryId is { Length: > 0 } id ? $"&category_ids={Uri.EscapeDataString(id)}" : "";
        var limit = Math.Min(2 * request.Limit, MaxLimit).ToString(CultureInfo.InvariantCulture);
        var filter = Uri.EscapeDataString(string.Join(',', Filters(request)));
        return $"buy/browse/v1/item_summary/search?q={Uri.EscapeDataString(request.Query)}{category}&limit={limit}&filter={filter}";
    }

    private static IEnumerable<string> Filters(SearchProductsArguments request)
    {
        yield return "buyingOptions:{FIXED_PRICE}";
        if (Price(request) is { } price)
        {
            yield return price;
            yield return "priceCurrency:USD";
        }

        if (ConditionId(request.Condition) is { } condition)
        {
            yield return $"conditionIds:{{{condition}}}";
        }

        if (Shipping(request.Shipping) is { } shipping)
        {
            yield return shipping;
        }

        if (request.Location is { Length: 2 } country && country.All(char.IsAsciiLetter))
        {
            yield return $"itemLocationCountry:{country.ToUpperInvariant()}";
        }
    }

    /// <summary>The price range. eBay accepts dots only in a range with an upper bound.</summary>
    private static string? Price(SearchProductsArguments request) => (request.MinPrice, request.MaxPrice) switch
    {
        (null, null) => null,
        ({ } least, null) => string.Create(CultureInfo.InvariantCulture, $"price:[{least}]"),
        var (least, most) => string.Create(CultureInfo.InvariantCulture, $"price:[{least}..{most}]"),
    };

    private static string? ConditionId(string? condition) => condition switch
    {
        "new" => "1000",
        "open_box" => "1500",
        "refurbished" => "2000",
        "used" => "3000",
        _ => null,
    };

    private static string? Shipping(string? shipping) => shipping switch
    {
        "free" => "maxDeliveryCost:0",
        "fast" => "deliveryOptions:{SHIP_TO_HOME}",
        _ => null,
    };
}

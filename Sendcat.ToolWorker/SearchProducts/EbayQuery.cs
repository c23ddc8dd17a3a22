using System.Globalization;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>
/// Spells a search in eBay's query language (Buy APIs, field filters). eBay ignores a filter that it does not know, with no more than a warning. It has none for a seller's share of
/// positive feedback, nor one for expedited shipping that works without the buyer's postal code: <see cref="EbaySearch"/> sees to these.
/// </summary>
internal static class EbayQuery
{
    private const int MostAsked = 200;

    /// <summary>Path and query below eBay's address. Asks for twice as many as wanted, because sellers are chosen afterwards.</summary>
    public static string Of(SearchProductsArguments asked)
    {
        var category = asked.CategoryId is { Length: > 0 } id ? $"&category_ids={Uri.EscapeDataString(id)}" : "";
        var limit = Math.Min(2 * asked.Limit, MostAsked).ToString(CultureInfo.InvariantCulture);
        return $"buy/browse/v1/item_summary/search?q={Uri.EscapeDataString(asked.Query)}{category}&limit={limit}&filter={Uri.EscapeDataString(string.Join(',', Filters(asked)))}";
    }

    private static IEnumerable<string> Filters(SearchProductsArguments asked)
    {
        yield return "buyingOptions:{FIXED_PRICE}";
        if (Price(asked) is { } price)
        {
            yield return price;
            yield return "priceCurrency:USD";
        }

        if (ConditionId(asked.Condition) is { } condition)
        {
            yield return $"conditionIds:{{{condition}}}";
        }

        if (Shipping(asked.Shipping) is { } shipping)
        {
            yield return shipping;
        }

        if (asked.Location is { Length: 2 } country && country.All(char.IsAsciiLetter))
        {
            yield return $"itemLocationCountry:{country.ToUpperInvariant()}";
        }
    }

    /// <summary>The dots are for ranges with an upper end only.</summary>
    private static string? Price(SearchProductsArguments asked) => (asked.MinPrice, asked.MaxPrice) switch
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

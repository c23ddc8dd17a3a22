using System.Globalization;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>Spells a search in eBay's query language.</summary>
internal static class EbayQuery
{
    public static string Of(SearchProductsArguments asked)
    {
        var category = asked.CategoryId is { Length: > 0 } id ? $"&category_ids={Uri.EscapeDataString(id)}" : "";
        return $"q={Uri.EscapeDataString(asked.Query)}{category}&limit={asked.Limit.ToString(CultureInfo.InvariantCulture)}&filter={Uri.EscapeDataString(string.Join(',', Filters(asked)))}";
    }

    private static IEnumerable<string> Filters(SearchProductsArguments asked)
    {
        yield return "buyingOptions:{FIXED_PRICE}";
        if (asked.MinPrice is not null || asked.MaxPrice is not null)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"price:[{asked.MinPrice}..{asked.MaxPrice}]");
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

        yield return string.Create(CultureInfo.InvariantCulture, $"sellerFeedbackPercentage:[{Math.Clamp(asked.SellerRating, 95, 100)}..100]");
        if (asked.Location is { Length: 2 } country && country.All(char.IsAsciiLetter))
        {
            yield return $"itemLocationCountry:{country.ToUpperInvariant()}";
        }
    }

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
        "fast" => "deliveryOptions:{EXPEDITED}",
        _ => null,
    };
}

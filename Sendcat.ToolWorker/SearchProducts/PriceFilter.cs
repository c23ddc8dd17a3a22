using System.Globalization;
using System.Text.RegularExpressions;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>What may be spent. eBay filters by it; the global search has no such filter, so its finds are looked at one by one.</summary>
internal static partial class PriceFilter
{
    /// <summary>True as well for a price that is not in dollars, or in no form that is understood: better shown than missing.</summary>
    public static bool Allows(SearchProductsArguments asked, Product product) =>
        Dollars(product.Price) is not { } dollars || (dollars >= (asked.MinPrice ?? 0) && dollars <= (asked.MaxPrice ?? decimal.MaxValue));

    private static decimal? Dollars(string price) =>
        Form().Match(price) is { Success: true } match && decimal.TryParse(match.Groups["amount"].Value, NumberStyles.AllowThousands | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var dollars) ? dollars : null;

    [GeneratedRegex(@"^\s*(US\s?\$|\$|USD)\s*(?<amount>[\d,]+(\.\d{1,2})?)(?![\d.,])", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Form();
}

using System.Globalization;
using System.Text.RegularExpressions;
using Sendcat.Integrations.Tools;

namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>
/// Filters products by the requested price range. eBay applies the range itself. The global search has no such filter, so its products are
/// filtered here.
/// </summary>
internal static partial class PriceFilter
{
    /// <summary>
    /// True when the price is in the range. Also true for a price that is not in US dollars or cannot be parsed, so that such a product is
    /// shown.
    /// </summary>
    public static bool Allows(SearchProductsArguments request, Product product) =>
        Dollars(product.Price) is not { } dollars || (dollars >= (request.MinPrice ?? 0) && dollars <= (request.MaxPrice ?? decimal.MaxValue));

    private static decimal? Dollars(string price) =>
        DollarAmount().Match(price) is { Success: true } match
        && decimal.TryParse(
            match.Groups["amount"].Value, NumberStyles.AllowThousands | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var dollars)
            ? dollars
            : null;

    [GeneratedRegex(@"^\s*(US\s?\$|\$|USD)\s*(?<amount>[\d,]+(\.\d{1,2})?)(?![\d.,])", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DollarAmount();
}

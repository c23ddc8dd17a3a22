using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Sendcat.UpstreamEmulator.OpenRouter.Assistant;

/// <summary>Answers a request for the orders of a document as a model would: with what stands in its text.</summary>
internal static partial class OrderReader
{
    private static readonly string[] Merchants = ["Amazon", "SHEIN", "eBay", "Temu", "Walmart", "AliExpress", "Best Buy", "Etsy", "Nike"];

    /// <param name="document">The text of the document, and what its pictures show.</param>
    /// <returns>JSON in the schema of the request.</returns>
    public static string Read(string document)
    {
        var orders = OrderNumber().Matches(document).Select(match => match.Groups["number"].Value.TrimEnd('-'))
            .Distinct(StringComparer.OrdinalIgnoreCase).ToArray();
        var parcels = Tracking().Matches(document).Select(match => match.Value).Distinct(StringComparer.OrdinalIgnoreCase)
            .Except(orders, StringComparer.OrdinalIgnoreCase).ToArray();
        var total = Total().Match(document);
        var merchant = Merchants.FirstOrDefault(name => document.Contains(name, StringComparison.OrdinalIgnoreCase));
        string?[] entries = orders.Length > 0 ? orders : new string?[parcels.Length > 0 ? 1 : 0];
        return JsonSerializer.Serialize(new
        {
            kind = entries.Length == 0 ? "other" : parcels.Length > 0 ? "shipment" : "order",
            orders = entries.Select((number, n) => new
            {
                merchant,
                storeName = (string?)null,
                orderNumber = number,
                itemsSummary = Items().Match(document) is { Success: true } items ? items.Groups["items"].Value.Trim() : null,
                valueTotal = n == 0
                    && total.Success
                    && decimal.TryParse(
                        total.Groups["amount"].Value.Replace(",", "", StringComparison.Ordinal), CultureInfo.InvariantCulture,
                        out var amount)
                    ? amount
                    : (decimal?)null,
                currency = n == 0 && total.Success ? Currency(total.Groups["sign"].Value) : null,
                trackingNumbers = n == 0 ? parcels : [],
                carrier = (string?)null,
            }),
            invoicePresent = document.Contains("invoice", StringComparison.OrdinalIgnoreCase),
            confidence = 0.9,
        });
    }

    private static string? Currency(string sign) => sign.Trim().ToUpperInvariant() switch
    {
        "$" or "US$" or "USD" => "USD",
        "J$" or "JMD" => "JMD",
        "£" or "GBP" => "GBP",
        "€" or "EUR" => "EUR",
        _ => null,
    };

    [GeneratedRegex(
        @"\b(order|purchase)\s*(number|no\.?|id)?\s*[:#]*\s*#?(?<number>[A-Z]{0,4}-?[0-9][A-Z0-9-]{4,30})",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OrderNumber();

    [GeneratedRegex(
        @"\b(1Z[0-9A-Z]{16}|TBA[0-9]{12}|GFUS[0-9A-Z]{14,18}|[A-Z]{2}[0-9]{9}[A-Z]{2}|9[0-9]{21}|[0-9]{12}|[0-9]{15})\b",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Tracking();

    [GeneratedRegex(
        @"\btotal\b[^0-9$£€A-Z\n]{0,12}(?<sign>US\$|J\$|\$|£|€|USD|JMD|GBP|EUR)?\s*(?<amount>[0-9][0-9,]*(\.[0-9]{2})?)",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Total();

    [GeneratedRegex(@"\b(items?|product)\s*:\s*(?<items>[^\n]{3,120})", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Items();
}

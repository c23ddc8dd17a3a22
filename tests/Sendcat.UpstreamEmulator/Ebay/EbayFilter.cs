using System.Globalization;
using System.Text.RegularExpressions;
using Sendcat.UpstreamEmulator.Shop;

namespace Sendcat.UpstreamEmulator.Ebay;

/// <summary>
/// The <c>filter</c> parameter of a Browse search. Like eBay, it ignores three things with a warning: a filter that does not exist (12031),
/// an invalid value (12002) and a price without a currency (12012). A client that misspells a filter gets too many results, not an error.
/// </summary>
internal sealed partial class EbayFilter
{
    /// <summary>The documented filter names (Buy APIs, field filters) that have no effect on generated offers.</summary>
    private static readonly HashSet<string> Accepted = new(StringComparer.Ordinal)
    {
        "bidCount", "charityOnly", "deliveryCountry", "deliveryPostalCode", "excludeCategoryIds", "guaranteedDeliveryInDays", "itemEndDate",
        "itemLocationRegion", "itemStartDate", "lastSoldDate", "paymentMethods", "pickupCountry", "pickupPostalCode", "pickupRadius",
        "pickupRadiusUnit", "priorityListing", "qualifiedPrograms", "returnsAccepted",
        "searchInDescription", "sellerAccountTypes",
    };

    private static readonly string[] BuyingOptions = ["FIXED_PRICE", "AUCTION", "BEST_OFFER", "CLASSIFIED_AD"];

    private readonly List<Func<Offer, bool>> _conditions = [];
    private readonly List<object> _warnings = [];

    /// <summary>The warnings in eBay's format; null when there are none.</summary>
    public IReadOnlyList<object>? Warnings => _warnings.Count == 0 ? null : _warnings;

    public bool Matches(Offer offer) => _conditions.TrueForAll(condition => condition(offer));

    public static EbayFilter Parse(string text)
    {
        var filter = new EbayFilter();
        var fields = Fields().Matches(text).ToDictionary(m => m.Groups["name"].Value, m => m.Groups["value"].Value, StringComparer.Ordinal);
        foreach (var (name, value) in fields)
        {
            if (!filter.TryApply(name, value, fields))
            {
                filter.Warn(12002, $"The {name} value is invalid. For the valid values, refer to the API call documentation.", name, value);
            }
        }

        if (!fields.ContainsKey("buyingOptions"))
        {
            filter._conditions.Add(offer => !offer.Auction);
        }

        return filter;
    }

    /// <returns>False when the value is not valid for the filter.</returns>
    private bool TryApply(string name, string value, Dictionary<string, string> all)
    {
        switch (name)
        {
            case "price":
                return TryApplyPrice(value, all);
            case "priceCurrency":
                return value.Length == 3;
            case "buyingOptions":
                var options = Set(value);
                if (options.Length == 0 || options.Except(BuyingOptions, StringComparer.Ordinal).Any())
                {
                    return false;
                }

                _conditions.Add(offer => options.Contains(offer.Auction ? "AUCTION" : "FIXED_PRICE", StringComparer.Ordinal));
                return true;
            case "conditionIds":
                return TryApplySet(Set(value), offer => offer.Condition.Id, known: id => id.Length == 4 && id.All(char.IsAsciiDigit));
            case "conditions":
                return TryApplySet(
                    Set(value), offer => offer.Condition == Condition.New ? "NEW" : "USED",
                    known: name => name is "NEW" or "USED" or "UNSPECIFIED");
            case "itemLocationCountry":
                return TryApplySet([value], offer => offer.Country, known: country => country.Length == 2);
            case "sellers":
                return TryApplySet(Set(value), offer => offer.Seller.Name, known: _ => true);
            case "excludeSellers":
                var excluded = Set(value);
                _conditions.Add(offer => !excluded.Contains(offer.Seller.Name, StringComparer.Ordinal));
                return true;
            case "maxDeliveryCost":
                _conditions.Add(offer => offer.ShippingCents == 0);
                return value == "0";
            case "deliveryOptions":
                return Set(value) is [_, ..] values
                    && values.All(option => option is "SHIP_TO_HOME" or "SELLER_ARRANGED_LOCAL_PICKUP" or "PICKUP_IN_STORE");
            default:
                if (!Accepted.Contains(name))
                {
                    Warn(
                        12031,
                        $"The following search_filter(s) is/are not supported by this operation: {name}. For more information see the "
                        + "API call reference documentation.",
                        "unsupportedFilters",
                        name);
                }

                return true;
        }
    }

    /// <summary><c>[10..60]</c>, <c>[..60]</c>, <c>[10]</c> or <c>[10..]</c>.</summary>
    private bool TryApplyPrice(string value, Dictionary<string, string> all)
    {
        if (!all.ContainsKey("priceCurrency"))
        {
            Warn(
                12012,
                "A valid 'price' search_filter and a valid 'priceCurrency' search_filter is necessary to search_filter based on price.",
                "price",
                value);
            return true;
        }

        if (Range().Match(value) is not { Success: true } range || (range.Groups["min"].Length == 0 && range.Groups["max"].Length == 0))
        {
            return false;
        }

        var (min, max) = (Cents(range.Groups["min"].Value) ?? 0, Cents(range.Groups["max"].Value) ?? int.MaxValue);
        _conditions.Add(offer => offer.Cents >= min && offer.Cents <= max);
        return true;
    }

    private bool TryApplySet(string[] wanted, Func<Offer, string> of, Func<string, bool> known)
    {
        if (wanted.Length == 0 || !wanted.All(known))
        {
            return false;
        }

        _conditions.Add(offer => wanted.Contains(of(offer), StringComparer.Ordinal));
        return true;
    }

    private void Warn(int id, string message, string name, string value) =>
        _warnings.Add(
            new { errorId = id, domain = "API_BROWSE", category = "REQUEST", message, parameters = new[] { new { name, value } } });

    private static string[] Set(string value) =>
        value.StartsWith('{') && value.EndsWith('}') ? value[1..^1].Split('|', StringSplitOptions.RemoveEmptyEntries) : [];

    private static int? Cents(string amount) =>
        decimal.TryParse(amount, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var dollars)
            ? (int)Math.Min(dollars * 100, int.MaxValue)
            : null;

    [GeneratedRegex(
        @"(?<name>[A-Za-z]+):(?<value>\{[^}]*\}|\[[^\]]*\]|[^,]*)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Fields();

    [GeneratedRegex(
        @"^\[(?<min>\d*(\.\d+)?)(?<to>\.\.(?<max>\d*(\.\d+)?))?\]$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Range();
}

using System.Text.RegularExpressions;

namespace Sendcat.ApiService.Shopping.Items;

/// <summary>An item as eBay names it: <c>v1|1234567890|0</c>, or the number alone as it stands in links.</summary>
internal static partial class ItemId
{
    /// <returns>Where the item is to be read; null for what cannot be an id.</returns>
    public static string? PathOf(string id) =>
        Rest().IsMatch(id) ? $"buy/browse/v1/item/{Uri.EscapeDataString(id)}?fieldgroups=PRODUCT"
        : Legacy().IsMatch(id) ? $"buy/browse/v1/item/get_item_by_legacy_id?legacy_item_id={id}&fieldgroups=PRODUCT"
        : null;

    [GeneratedRegex(@"\Av1\|[A-Za-z0-9]{1,32}\|[A-Za-z0-9]{1,32}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 100)]
    private static partial Regex Rest();

    [GeneratedRegex(@"\A[0-9]{6,20}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 100)]
    private static partial Regex Legacy();
}

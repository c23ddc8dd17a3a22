using System.Text.RegularExpressions;

namespace Sendcat.ApiService.Shopping.Items;

/// <summary>An eBay item id: <c>v1|1234567890|0</c>, or the legacy number alone, which links contain.</summary>
internal static partial class ItemId
{
    /// <returns>Path of eBay's Browse API for the item; null if the text is not a valid id.</returns>
    public static string? PathOf(string id) =>
        RestId().IsMatch(id) ? $"buy/browse/v1/item/{Uri.EscapeDataString(id)}?fieldgroups=PRODUCT"
        : LegacyId().IsMatch(id) ? $"buy/browse/v1/item/get_item_by_legacy_id?legacy_item_id={id}&fieldgroups=PRODUCT"
        : null;

    [GeneratedRegex(@"\Av1\|[A-Za-z0-9]{1,32}\|[A-Za-z0-9]{1,32}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 100)]
    private static partial Regex RestId();

    [GeneratedRegex(@"\A[0-9]{6,20}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 100)]
    private static partial Regex LegacyId();
}

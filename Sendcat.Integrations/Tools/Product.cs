namespace Sendcat.Integrations.Tools;

/// <summary>A product as a tool finds it, as a message stores it and as the client shows it.</summary>
/// <param name="Price">Text. eBay's prices are currency and value, for example <c>USD 49.99</c>.</param>
/// <param name="Url">The page of the product at the upstream.</param>
public sealed record Product(string Id, string Title, string Price, string Image, string Url)
{
    /// <summary>The price as a number; null: unknown.</summary>
    public decimal? PriceAmount { get; init; }

    /// <summary>ISO 4217 code of the price; null: unknown.</summary>
    public string? PriceCurrency { get; init; }

    /// <summary><c>ebay</c> or <c>global</c>.</summary>
    public string? Source { get; init; }

    public string? MerchantName { get; init; }

    public string? MerchantDomain { get; init; }

    /// <summary>The page on which the product can be bought.</summary>
    public string? ProductUrl { get; init; }

    public string? SellerName { get; init; }

    /// <summary>Share of positive feedback, for example <c>98.7%</c>.</summary>
    public string? SellerFeedback { get; init; }

    public string? Condition { get; init; }

    public double? Rating { get; init; }

    public int? Reviews { get; init; }

    /// <summary>
    /// The key for duplicate detection: two products with the same key are the same product. It is the URL, else the id, else title, price,
    /// merchant and image. Null: the product has none of these and counts as unique.
    /// </summary>
    public string? Identity()
    {
        if ((NullIfBlank(Url) ?? NullIfBlank(ProductUrl) ?? NullIfBlank(Id)) is { } identity)
        {
            return identity;
        }

        var appearance = string.Join('|', Title, Price, MerchantName, Image).ToLowerInvariant();
        return appearance.Trim('|').Length == 0 ? null : appearance;
    }

    private static string? NullIfBlank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}

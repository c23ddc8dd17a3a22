namespace Sendcat.Reliability.ToolJobs.Tools;

/// <summary>A thing for sale, as tools find it, messages keep it and readers see it.</summary>
/// <param name="Price">Text; eBay's is currency and value, <c>USD 49.99</c>.</param>
/// <param name="Url">Where the upstream lists it.</param>
public sealed record Product(string Id, string Title, string Price, string Image, string Url)
{
    /// <summary><c>ebay</c> or <c>global</c>.</summary>
    public string? Source { get; init; }

    public string? MerchantName { get; init; }

    public string? MerchantDomain { get; init; }

    /// <summary>Where it can be bought.</summary>
    public string? ProductUrl { get; init; }

    public string? SellerName { get; init; }

    /// <summary><c>98.7%</c></summary>
    public string? SellerFeedback { get; init; }

    public string? Condition { get; init; }

    public double? Rating { get; init; }

    public int? Reviews { get; init; }

    /// <summary>By what two finds are the same thing: its address, else its id, else what it looks like. Null: it has nothing to be told by, so it is kept.</summary>
    public string? Identity()
    {
        if ((Said(Url) ?? Said(ProductUrl) ?? Said(Id)) is { } known)
        {
            return known;
        }

        var looks = string.Join('|', Title, Price, MerchantName, Image).ToLowerInvariant();
        return looks.Trim('|').Length == 0 ? null : looks;
    }

    private static string? Said(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}

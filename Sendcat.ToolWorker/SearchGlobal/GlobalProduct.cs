using System.Text.Json;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ToolWorker.SearchGlobal;

/// <summary>Converts a row of a shopping search, of Serper or of SerpAPI, to a product.</summary>
internal static class GlobalProduct
{
    /// <param name="country">The two-letter country code of the search; null: none.</param>
    /// <returns>The product; null: the row has no link or no title.</returns>
    public static Product? Read(JsonElement row, string? country = null)
    {
        var link = row.Address("link", "product_link", "productLink", "url");
        if (link is null || row.Title() is not { } title)
        {
            return null;
        }

        var merchantLink = row.Address("merchantLink", "merchant_link", "offerLink", "seller_link");
        var merchant = row.Name("source", "seller", "merchant");
        var price = Money.OfText(row.Price("price"), country);
        var domain = Domain(merchantLink) ?? Domain(link) ?? DomainOfLabel(merchant);
        return new(
            row.Id("productId", "product_id", "position") is { } id ? $"global:{id}:{domain}" : $"global:{link}",
            title,
            price.Text,
            row.Address("imageUrl", "thumbnail", "image") ?? "",
            link)
        {
            PriceAmount = price.Amount,
            PriceCurrency = price.Currency,
            Source = "global",
            MerchantName = merchant,
            MerchantDomain = domain,
            ProductUrl = merchantLink
                ?? (IsGoogle(link) ? null : link)
                ?? (domain is null
                    ? $"https://www.google.com/search?q={Uri.EscapeDataString($"{title} {merchant}".Trim())}"
                    : $"https://{domain}"),
            Condition = row.Name("second_hand_condition", "condition"),
            Rating = row.Number("rating"),
            Reviews = row.Count("ratingCount", "reviews"),
        };
    }

    /// <summary>The host of the link without <c>www.</c>. Null for a link to Google, which does not lead to a merchant.</summary>
    private static string? Domain(string? link) =>
        link is not null && Uri.TryCreate(link, UriKind.Absolute, out var uri) && !IsGoogle(link)
            ? uri.Host.StartsWith("www.", StringComparison.OrdinalIgnoreCase) ? uri.Host[4..] : uri.Host
            : null;

    /// <summary>The label if it is a domain name; otherwise its letters and digits with <c>.com</c>, which is a guess.</summary>
    private static string? DomainOfLabel(string? label)
    {
        if (label is null)
        {
            return null;
        }

        var word = label.Trim().ToLowerInvariant();
        if (word.Contains('.', StringComparison.Ordinal)
            && !word.Contains(' ', StringComparison.Ordinal)
            && Uri.CheckHostName(word) is UriHostNameType.Dns)
        {
            return word;
        }

        var letters = string.Concat(word.Where(char.IsAsciiLetterOrDigit));
        return letters.Length == 0 ? null : letters + ".com";
    }

    private static bool IsGoogle(string link) =>
        Uri.TryCreate(link, UriKind.Absolute, out var uri)
        && (uri.Host.StartsWith("google.", StringComparison.OrdinalIgnoreCase)
            || uri.Host.Contains(".google.", StringComparison.OrdinalIgnoreCase)
            || uri.Host.EndsWith("googleadservices.com", StringComparison.OrdinalIgnoreCase));
}

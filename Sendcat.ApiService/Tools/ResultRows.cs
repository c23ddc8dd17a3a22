using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Tools;

/// <summary>
/// Filters and truncates result rows before they go from a job or the cache to models and clients. The worker applies the same rules when
/// it reads a row. They are applied again here for rows that an earlier build has cached, and for rows of any other writer to the stores.
/// </summary>
internal static class ResultRows
{
    /// <summary>Maximum characters of an id. A product without its own id has an id that contains its address.</summary>
    private const int MaxIdLength = WebAddress.Longest + Row.LongestId;

    /// <summary>Removes hits without a valid web address and truncates the texts of the others.</summary>
    public static IReadOnlyList<SearchWebHit> Fit(IReadOnlyList<SearchWebHit> hits) =>
        [
            .. hits.Where(hit => WebAddress.Of(hit.Link) is not null)
                .Select(hit => new SearchWebHit(Row.Cut(hit.Title, Row.LongestTitle), hit.Link, Row.Cut(hit.Snippet, Row.LongestSnippet))),
        ];

    /// <summary>Removes products without a valid web address or with a too long id, and truncates the texts of the others.</summary>
    public static IReadOnlyList<Product> Fit(IReadOnlyList<Product> products) =>
        [.. products.Where(product => WebAddress.Of(product.Url) is not null && product.Id.Length <= MaxIdLength).Select(Cut)];

    private static Product Cut(Product product) => product with
    {
        Title = Row.Cut(product.Title, Row.LongestTitle),
        Price = Row.Cut(product.Price, Row.LongestPrice),
        PriceCurrency = Money.IsCode(product.PriceCurrency) ? product.PriceCurrency : null,
        Image = WebAddress.Of(product.Image) ?? "",
        ProductUrl = WebAddress.Of(product.ProductUrl),
        MerchantName = Row.Cut(product.MerchantName, Row.LongestName),
        MerchantDomain = Row.Cut(product.MerchantDomain, Row.LongestName),
        SellerName = Row.Cut(product.SellerName, Row.LongestName),
        SellerFeedback = Row.Cut(product.SellerFeedback, Row.LongestPrice),
        Condition = Row.Cut(product.Condition, Row.LongestName),
    };
}

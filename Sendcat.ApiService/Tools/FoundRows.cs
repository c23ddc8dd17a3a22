using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Tools;

/// <summary>
/// Results on their way from a job or the cache to models and readers. The worker checks each row where it reads it; here the same rules hold for what an earlier build has kept, and for whoever else may write
/// to the stores.
/// </summary>
internal static class FoundRows
{
    /// <summary>A find without an id of its own is named by its address.</summary>
    private const int LongestId = WebAddress.Longest + Row.LongestId;

    /// <summary>Without finds that lead nowhere.</summary>
    public static IReadOnlyList<SearchWebHit> Fit(IReadOnlyList<SearchWebHit> hits) =>
        [.. hits.Where(hit => WebAddress.Of(hit.Link) is not null).Select(hit => new SearchWebHit(Row.Cut(hit.Title, Row.LongestTitle), hit.Link, Row.Cut(hit.Snippet, Row.LongestSnippet)))];

    /// <summary>Without products that lead nowhere.</summary>
    public static IReadOnlyList<Product> Fit(IReadOnlyList<Product> products) => [.. products.Where(product => WebAddress.Of(product.Url) is not null && product.Id.Length <= LongestId).Select(Cut)];

    private static Product Cut(Product product) => product with
    {
        Title = Row.Cut(product.Title, Row.LongestTitle),
        Price = Row.Cut(product.Price, Row.LongestPrice),
        Image = WebAddress.Of(product.Image) ?? "",
        ProductUrl = WebAddress.Of(product.ProductUrl),
        MerchantName = Row.Cut(product.MerchantName, Row.LongestName),
        MerchantDomain = Row.Cut(product.MerchantDomain, Row.LongestName),
        SellerName = Row.Cut(product.SellerName, Row.LongestName),
        SellerFeedback = Row.Cut(product.SellerFeedback, Row.LongestPrice),
        Condition = Row.Cut(product.Condition, Row.LongestName),
    };
}

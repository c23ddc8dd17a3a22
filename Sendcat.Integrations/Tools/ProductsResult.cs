using System.Text.Json.Serialization;

namespace Sendcat.Integrations.Tools;

/// <param name="Kind"><c>search_products</c> or <c>search_global</c></param>
/// <param name="Products">Without duplicates; products from eBay come first.</param>
/// <param name="FailedSources">
/// Sources (<c>ebay</c>, <c>global</c>) that failed. With at least one of them the result is partial and is not cached.
/// </param>
public sealed record ProductsResult(
    string Kind, IReadOnlyList<Product> Products, int EbayCount, int GlobalCount, IReadOnlyList<string> FailedSources)
{
    [JsonIgnore]
    public bool IsPartial => FailedSources.Count > 0;
}

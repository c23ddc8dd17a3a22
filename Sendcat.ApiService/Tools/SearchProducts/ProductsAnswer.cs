using System.Globalization;
using System.Text;
using Sendcat.Integrations.Tools;

namespace Sendcat.ApiService.Tools.SearchProducts;

/// <summary>Converts the result of a product search to a tool result for the model and the client.</summary>
internal static class ProductsAnswer
{
    /// <param name="tag">Tags a link of a product for the principal who sees it.</param>
    public static ToolCallResult Of(string query, QueuedTool tool, LookupResult<ProductsResult> found, Func<string, string> tag) =>
        (found.Value is { } all
            ? all with { Products = [.. ResultRows.Fit(all.Products).Select(product => Tagged(product, tag))] }
            : null) switch
        {
            null => new(DegradedTexts.Of(tool, found.JobOutcome), Failed: true, Pressure: found.Pressure),
            { Products.Count: 0 } empty => new(Notes(NothingFound(query), empty, found.Source), Pressure: found.Pressure),
            var result => new(
                Notes(Summary(query, result), result, found.Source), ResultJson.Products(result.Products), result.Products,
                Pressure: found.Pressure),
        };

    private static Product Tagged(Product product, Func<string, string> tag) =>
        product with { Url = tag(product.Url), ProductUrl = product.ProductUrl is { } page ? tag(page) : null };

    private static StringBuilder NothingFound(string query) =>
        new($"No products were found for “{query}”. Search for something wider, or answer with what you know.");

    private static StringBuilder Summary(string query, ProductsResult result) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"{result.EbayCount} eBay items and {result.GlobalCount} global items for “{query}” are displayed to the user as cards. ")
        + "Do not list them again; say which you would choose and why.");

    private static string Notes(StringBuilder text, ProductsResult result, LookupSource source)
    {
        if (result.IsPartial)
        {
            text.Append(' ').Append(DegradedTexts.Missing(result.FailedSources));
        }

        if (source == LookupSource.StaleCache)
        {
            text.Append(' ').Append(DegradedTexts.OutOfDate);
        }

        return text.ToString();
    }
}

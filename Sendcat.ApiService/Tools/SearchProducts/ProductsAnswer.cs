using System.Globalization;
using System.Text;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Tools.SearchProducts;

/// <summary>A product search's result as the model and the reader get it.</summary>
internal static class ProductsAnswer
{
    public static ToolAnswer Of(string query, string search, Found<ProductsResult> found) => (found.Value is { } all ? all with { Products = FoundRows.Fit(all.Products) } : null) switch
    {
        null => new(DegradedTexts.Of(search, found.Trouble), Failed: true, Pressure: found.Pressure),
        { Products.Count: 0 } nothing => new(Notes(new StringBuilder($"No products were found for “{query}”. Search for something wider, or answer with what you know."), nothing, found.Where), Pressure: found.Pressure),
        var result => new(Notes(Summary(query, result), result, found.Where), FoundJson.Products(result.Products), result.Products, Pressure: found.Pressure),
    };

    private static StringBuilder Summary(string query, ProductsResult result) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"{result.EbayCount} eBay items and {result.GlobalCount} global items for “{query}” are displayed to the user as cards. Do not list them again; say which you would choose and why."));

    private static string Notes(StringBuilder text, ProductsResult result, LookupSource where)
    {
        if (result.IsPartial)
        {
            text.Append(' ').Append(DegradedTexts.Missing(result.FailedSources));
        }

        if (where == LookupSource.StaleCache)
        {
            text.Append(' ').Append(DegradedTexts.OutOfDate);
        }

        return text.ToString();
    }
}

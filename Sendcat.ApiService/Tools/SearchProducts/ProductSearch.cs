using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Tools.SearchProducts;

/// <summary>What a model wrote, as the question that is meant.</summary>
internal static class ProductSearch
{
    private const int HighestLimit = 36;
    private const int HighestGlobalLimit = 12;
    private const int LeastRating = 95;

    /// <returns>Null: there is no query.</returns>
    public static SearchProductsArguments? Read(string json)
    {
        var arguments = ToolArguments.Read(json);
        if (arguments.Text("query") is not { } query)
        {
            return null;
        }

        var limit = arguments.Count("limit", 1, HighestLimit, HighestLimit);
        var (least, most) = (arguments.Price("minPrice"), arguments.Price("maxPrice"));
        if (least > most)
        {
            (least, most) = (most, least);
        }

        return new(query, limit, arguments.Count("sellerRating", LeastRating, 100, LeastRating), GlobalLimit: Math.Min(HighestGlobalLimit, limit))
        {
            CategoryId = arguments.Id("categoryId"),
            CategoryName = arguments.Text("categoryName"),
            MinPrice = least,
            MaxPrice = most,
            Condition = arguments.Word("condition", "new", "used", "refurbished", "open_box"),
            Shipping = arguments.Word("shipping", "free", "fast"),
            Location = arguments.Text("location"),
        };
    }
}

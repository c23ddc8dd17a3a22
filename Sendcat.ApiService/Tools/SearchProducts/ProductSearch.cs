using Sendcat.Integrations.Tools;

namespace Sendcat.ApiService.Tools.SearchProducts;

/// <summary>Converts the arguments of the model to the arguments of a product search job.</summary>
internal static class ProductSearch
{
    private const int MaxLimit = 36;
    private const int MaxGlobalLimit = 12;
    /// <summary>Minimum share of positive seller feedback, in percent.</summary>
    private const int MinRating = 95;

    /// <param name="json">A JSON object.</param>
    /// <returns>Null: there is no query.</returns>
    public static SearchProductsArguments? Read(string json)
    {
        var arguments = ToolArguments.Read(json);
        if (arguments.Text("query") is not { } query)
        {
            return null;
        }

        var limit = arguments.Count("limit", 1, MaxLimit, MaxLimit);
        var (minPrice, maxPrice) = (arguments.Price("minPrice"), arguments.Price("maxPrice"));
        if (minPrice > maxPrice)
        {
            (minPrice, maxPrice) = (maxPrice, minPrice);
        }

        return new(query, limit, arguments.Count("sellerRating", MinRating, 100, MinRating), GlobalLimit: Math.Min(MaxGlobalLimit, limit))
        {
            CategoryId = arguments.Id("categoryId"),
            CategoryName = arguments.Text("categoryName"),
            MinPrice = minPrice,
            MaxPrice = maxPrice,
            Condition = arguments.OneOf("condition", "new", "used", "refurbished", "open_box"),
            Shipping = arguments.OneOf("shipping", "free", "fast"),
            Location = arguments.Text("location"),
        };
    }
}

using System.Globalization;
using System.Text;
using Sendcat.ApiService.Tools;
using Sendcat.Integrations.Tools;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>The products that the user sees beside a message.</summary>
internal static class ShownProducts
{
    /// <summary>The products as JSON for the message, without duplicates.</summary>
    /// <returns>Null if there are no products.</returns>
    public static string? Json(IEnumerable<Product> found)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Product[] products = [.. found.Where(product => product.Identity() is not { } identity || seen.Add(identity))];
        return products.Length == 0 ? null : ResultJson.Products(products);
    }

    /// <summary>
    /// The text with the numbered list of products after it. The model needs the list to resolve references such as "the second one".
    /// </summary>
    public static string After(string text, IReadOnlyList<Product> products)
    {
        if (products.Count == 0)
        {
            return text;
        }

        var result = new StringBuilder(text).Append("\n\n[Products shown to the user]");
        for (var i = 0; i < products.Count; i++)
        {
            var (product, number) = (products[i], i + 1);
            result.Append(CultureInfo.InvariantCulture, $"\n{number}. {product.Title} | {product.Price}");
            if (product.Condition is not null)
            {
                result.Append(" | ").Append(product.Condition);
            }
        }

        return result.ToString();
    }
}

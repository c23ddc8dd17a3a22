using System.Globalization;
using System.Text;
using Sendcat.ApiService.Tools;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Chat;

/// <summary>The products that the user sees beside a message.</summary>
internal static class ShownProducts
{
    /// <returns>As kept on the message, each thing once; null if there are none.</returns>
    public static string? Json(IEnumerable<Product> found)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Product[] products = [.. found.Where(product => product.Identity() is not { } identity || seen.Add(identity))];
        return products.Length == 0 ? null : FoundJson.Products(products);
    }

    /// <summary>What the model reads of them after a text, so that "the second one" means something.</summary>
    public static string After(string text, IReadOnlyList<Product> products)
    {
        if (products.Count == 0)
        {
            return text;
        }

        var told = new StringBuilder(text).Append("\n\n[Products shown to the user]");
        for (var i = 0; i < products.Count; i++)
        {
            var (product, number) = (products[i], i + 1);
            told.Append(CultureInfo.InvariantCulture, $"\n{number}. {product.Title} | {product.Price}");
            if (product.Condition is not null)
            {
                told.Append(" | ").Append(product.Condition);
            }
        }

        return told.ToString();
    }
}

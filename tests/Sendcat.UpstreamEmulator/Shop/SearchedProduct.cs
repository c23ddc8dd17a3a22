using System.Text.RegularExpressions;

namespace Sendcat.UpstreamEmulator.Shop;

/// <summary>The product that a query names.</summary>
/// <param name="Name">The singular form as in a title: <c>Rice Cooker</c>.</param>
/// <param name="TypicalCents">The typical price in US cents.</param>
internal sealed partial record SearchedProduct(string Name, int TypicalCents)
{
    private static readonly (Regex Word, int Dollars)[] Prices =
    [
        (Headphones(), 75), (Laptops(), 620), (Televisions(), 340), (Phones(), 380), (Cameras(), 290), (Furniture(), 140),
        (Shoes(), 72), (Watches(), 85), (Kitchen(), 48), (Clothes(), 26), (Books(), 17),
    ];

    public static SearchedProduct Of(string query)
    {
        var words = query.Split([' ', '\t', '\n', ',', '"'], StringSplitOptions.RemoveEmptyEntries).Take(8).Select(Capitalised).ToArray();
        if (words.Length == 0)
        {
            return new("Surprise Box", 2500);
        }

        words[^1] = Singular(words[^1]);
        var name = string.Join(' ', words);
        var match = Prices.FirstOrDefault(price => price.Word.IsMatch(name));
        return new(name, (match.Word is null ? 20 + new SeededRandom(name).Below(100) : match.Dollars) * 100);
    }

    private static string Capitalised(string word) => char.ToUpperInvariant(word[0]) + word[1..].ToLowerInvariant();

    /// <summary>An approximate singular for titles: cookers → cooker, batteries → battery. Shoes and glass do not change.</summary>
    private static string Singular(string word) =>
        Pairs().IsMatch(word) || word.Length < 4 ? word
        : word.EndsWith("ies", StringComparison.Ordinal) ? word[..^3] + "y"
        : word.EndsWith('s') && !word.EndsWith("ss", StringComparison.Ordinal) && !word.EndsWith("us", StringComparison.Ordinal)
        ? word[..^1]
        : word;

    [GeneratedRegex(
        "shoes|sneakers|boots|sandals|jeans|pants|shorts|headphones|earbuds|glasses|scissors", RegexOptions.IgnoreCase,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pairs();

    [GeneratedRegex("laptop|notebook|macbook|computer", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Laptops();

    [GeneratedRegex(@"\btv|television|monitor|projector", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Televisions();

    [GeneratedRegex("phone(?!s? case)|tablet|ipad", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Phones();

    [GeneratedRegex("camera|drone|lens", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Cameras();

    [GeneratedRegex("chair|table|desk|sofa|bed|shelf|mattress|stroller", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Furniture();

    [GeneratedRegex("headphone|earbud|speaker|soundbar", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Headphones();

    [GeneratedRegex("shoe|sneaker|boot|sandal", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Shoes();

    [GeneratedRegex("watch|bracelet|ring", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Watches();

    [GeneratedRegex(
        "cooker|kettle|toaster|blender|mixer|fryer|oven|grill|pan|pot|fan|iron|vacuum", RegexOptions.IgnoreCase,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Kitchen();

    [GeneratedRegex("shirt|dress|skirt|jeans|pants|hat|cap|bag", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Clothes();

    [GeneratedRegex("book|novel|toy|game", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Books();
}

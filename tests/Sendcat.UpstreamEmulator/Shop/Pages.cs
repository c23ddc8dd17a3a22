namespace Sendcat.UpstreamEmulator.Shop;

/// <summary>
/// Generates web search results for a query. All links use hosts of the reserved domain <c>.example</c>, which cannot exist.
/// </summary>
internal static class Pages
{
    private static readonly (string Host, string Path, string Title, string Snippet)[] Kinds =
    [
        ("tested-at-home.example", "best-{0}", "The Best {1}s of the Year, Tested",
            "We used nine models for six weeks. The {1} that we would buy again is neither the cheapest nor the newest."),
        ("consumer-corner.example", "{0}-buying-guide", "{1} Buying Guide: What Matters and What Does Not",
            "Size, power and warranty first; the rest is taste. What to look for in a {1}, and what it should cost."),
        ("www.island-parcel-notes.example", "shipping-{0}", "Shipping a {1} to Jamaica: Weight, Duty, Days",
            "What a forwarded {1} costs on top of its price, with examples from Miami to Kingston and Montego Bay."),
        ("forum.example", "t/{0}", "Which {1} lasts? (342 answers)",
            "Mine is in its eighth year. The trick is to buy the model whose parts you can get."),
        ("www.price-history.example", "p/{0}", "{1}: Price History and Deals",
            "Lowest price in 90 days, typical discounts, and when the next sale usually comes."),
        ("daily-gleam.example", "business/{0}", "Latest: {1} Prices Fall for the Third Month",
            "Importers point to cheaper freight. Retailers expect the trend to hold until the holidays."),
        ("encyclopedia.example", "wiki/{0}", "{1} - An Overview",
            "A {1} is, in everyday use, an article whose history goes back further than one would think."),
        ("video.example", "watch/{0}", "I bought every {1} so that you need not",
            "31 minutes · 1.2M views · Nine models, one winner, and a mistake that cost me two hundred dollars."),
    ];

    public static IReadOnlyList<Page> About(string query, int count)
    {
        var name = SearchedProduct.Of(query).Name;
        var slug = name.ToLowerInvariant().Replace(' ', '-');
        var first = new SeededRandom(query).Below(Kinds.Length);
        return [
            .. Enumerable.Range(0, Math.Min(count, Kinds.Length)).Select(i => Kinds[(first + i) % Kinds.Length]).Select(
                (kind, i) => new Page(
                    Fill(kind.Title), $"https://{kind.Host}/{Uri.EscapeDataString(Fill(kind.Path))}", Fill(kind.Snippet), i + 1))];

        string Fill(string template) =>
            template.Replace("{0}", slug, StringComparison.Ordinal).Replace("{1}", name, StringComparison.Ordinal);
    }
}

/// <summary>One web search result.</summary>
/// <param name="Title">The title of the page.</param>
/// <param name="Link">The address of the page.</param>
/// <param name="Snippet">The text under the title.</param>
/// <param name="Position">The rank, from 1.</param>
internal sealed record Page(string Title, string Link, string Snippet, int Position);

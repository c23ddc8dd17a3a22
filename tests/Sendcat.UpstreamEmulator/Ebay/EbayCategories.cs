using System.Globalization;
using Sendcat.UpstreamEmulator.Rest;

namespace Sendcat.UpstreamEmulator.Ebay;

/// <summary>A category tree that is small enough to read and has the real one's shape: a root, branches, leaves that say so.</summary>
internal static class EbayCategories
{
    public const string TreeId = "0";

    /// <summary>Two blanks a level.</summary>
    private const string Outline = """
        11700 Home & Garden
          20625 Kitchen, Dining & Bar
            20667 Small Kitchen Appliances
              20671 Rice Cookers
              133701 Kettles
              20673 Toasters
              133704 Blenders
              122930 Air Fryers
            20628 Cookware
              98850 Pots
              98854 Pans
          3197 Furniture
            38200 Chairs
            38204 Desks
            38208 Sofas
          20710 Fans & Heating
            20612 Desk Fans
            42230 Ceiling Fans
        293 Consumer Electronics
          15052 Portable Audio & Headphones
            112529 Headphones
            111694 Portable Speakers
          32852 TV, Video & Home Audio
            11071 TVs
            22610 Sound Bars
        58058 Computers/Tablets & Networking
          175672 Laptops & Netbooks
            177 PC Laptops
            111422 Apple Laptops
          171485 Tablets & eReaders
        15032 Cell Phones & Accessories
          9355 Cell Phones & Smartphones
          20349 Cases, Covers & Skins
        11450 Clothing, Shoes & Accessories
          93427 Men's Shoes
            15709 Athletic Shoes
            24087 Casual Shoes
          3034 Women's Shoes
            95672 Athletic Shoes
            55793 Sandals
          169291 Bags
            57857 School Bags
        220 Toys & Hobbies
          2562 Games
          233 Puzzles
        """;

    private const string SecondEdition = """
        11700 Home & Garden
          20625 Kitchen, Dining & Bar
            20667 Countertop Appliances
              20671 Rice & Grain Cookers
              20673 Toasters
              122930 Air Fryers
              260001 Bread Makers
        293 Consumer Electronics
          15052 Portable Audio & Headphones
            112529 Headphones
        """;

    public static RestAnswer Id(int edition) => RestAnswer.Of(new { categoryTreeId = TreeId, categoryTreeVersion = Version(edition) });

    /// <param name="edition">2 and above: another tree, in which names changed, branches are gone and a leaf is new.</param>
    /// <param name="leaves">More leaves under the last branch, to see how a large tree is read.</param>
    public static RestAnswer Tree(int edition, int leaves)
    {
        var tops = Read(edition > 1 ? SecondEdition : Outline);
        if (leaves > 0)
        {
            tops.Add(new("900000", "Everything Else", 1, [.. Enumerable.Range(1, leaves).Select(i => new Node((900_000 + i).ToString(CultureInfo.InvariantCulture), string.Create(CultureInfo.InvariantCulture, $"Odd Thing No. {i}"), 2, []))]));
        }

        return RestAnswer.Of(new
        {
            categoryTreeId = TreeId,
            categoryTreeVersion = Version(edition),
            applicableMarketplaceIds = new[] { "EBAY_US" },
            rootCategoryNode = new { category = new { categoryId = "0", categoryName = "Root" }, categoryTreeNodeLevel = 0, childCategoryTreeNodes = tops.Select(Json).ToArray() },
        });
    }

    /// <summary>Leaves that share a word with what was asked, the one that shares most first.</summary>
    public static RestAnswer Suggestions(string query)
    {
        var words = Words(query);
        var found = Leaves(Read(Outline), [])
            .Select(leaf => (leaf, Shared: Words(leaf.Node.Name).Intersect(words, StringComparer.Ordinal).Count()))
            .Where(leaf => leaf.Shared > 0)
            .OrderByDescending(leaf => leaf.Shared)
            .ToArray();
        return found.Length == 0 ? new(204, "") : RestAnswer.Of(new
        {
            categorySuggestions = found.Select(found => new
            {
                category = new { categoryId = found.leaf.Node.Id, categoryName = found.leaf.Node.Name },
                categoryTreeNodeLevel = found.leaf.Node.Level,
                categoryTreeNodeAncestors = found.leaf.Above.Reverse().Select(above => new { categoryId = above.Id, categoryName = above.Name, categoryTreeNodeLevel = above.Level }).ToArray(),
            }).ToArray(),
            categoryTreeId = TreeId,
            categoryTreeVersion = Version(1),
        });
    }

    private static string Version(int edition) => (120 + edition).ToString(CultureInfo.InvariantCulture);

    private static List<Node> Read(string outline)
    {
        var open = new List<Node> { new("0", "Root", 0, []) };
        foreach (var line in outline.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var text = line.Trim();
            var level = ((line.Length - line.TrimStart().Length) / 2) + 1;
            var blank = text.IndexOf(' ', StringComparison.Ordinal);
            var node = new Node(text[..blank], text[(blank + 1)..], level, []);
            open[level - 1].Children.Add(node);
            open.RemoveRange(level, open.Count - level);
            open.Add(node);
        }

        return open[0].Children;
    }

    private static object Json(Node node) => new
    {
        category = new { categoryId = node.Id, categoryName = node.Name },
        categoryTreeNodeLevel = node.Level,
        leafCategoryTreeNode = node.Children.Count == 0 ? true : (bool?)null,
        childCategoryTreeNodes = node.Children.Count == 0 ? null : node.Children.Select(Json).ToArray(),
    };

    private static IEnumerable<(Node Node, Node[] Above)> Leaves(IEnumerable<Node> nodes, Node[] above) =>
        nodes.SelectMany(node => node.Children.Count == 0 ? [(node, above)] : Leaves(node.Children, [.. above, node]));

    private static HashSet<string> Words(string text) =>
        text.ToLowerInvariant().Split([' ', ',', '&', '/', '\''], StringSplitOptions.RemoveEmptyEntries).Select(word => word.Length > 3 ? word.TrimEnd('s') : word).ToHashSet(StringComparer.Ordinal);

    private sealed record Node(string Id, string Name, int Level, List<Node> Children);
}

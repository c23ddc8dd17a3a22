using System.Globalization;
using Sendcat.UpstreamEmulator.Rest;

namespace Sendcat.UpstreamEmulator.Ebay;

/// <summary>A small category tree in the format of eBay's tree: a root, branches, and leaves that are marked as leaves.</summary>
internal static class EbayCategories
{
    public const string TreeId = "0";

    /// <summary>The category tree as text. Two spaces of indentation are one level.</summary>
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

    public static RestResponse Id(int edition) => RestResponse.Of(new { categoryTreeId = TreeId, categoryTreeVersion = Version(edition) });

    /// <param name="edition">2 or more: a different tree, in which names are changed, branches are missing and one leaf is new.</param>
    /// <param name="leaves">How many leaves to add under an extra branch, for tests that need a large tree.</param>
    public static RestResponse Tree(int edition, int leaves)
    {
        var tops = Read(edition > 1 ? SecondEdition : Outline);
        if (leaves > 0)
        {
            tops.Add(new("900000", "Everything Else", 1, [.. Enumerable.Range(1, leaves).Select(i => new Node(
                (900_000 + i).ToString(CultureInfo.InvariantCulture), string.Create(CultureInfo.InvariantCulture, $"Odd Thing No. {i}"), 2,
                []))]));
        }

        return RestResponse.Of(new
        {
            categoryTreeId = TreeId,
            categoryTreeVersion = Version(edition),
            applicableMarketplaceIds = new[] { "EBAY_US" },
            rootCategoryNode = new
            {
                category = new { categoryId = "0", categoryName = "Root" },
                categoryTreeNodeLevel = 0,
                childCategoryTreeNodes = tops.Select(Json).ToArray(),
            },
        });
    }

    /// <summary>The leaves that have a word in common with the query, sorted by the number of common words, highest first.</summary>
    public static RestResponse Suggestions(string query)
    {
        var words = Words(query);
        var found = Leaves(Read(Outline), [])
            .Select(leaf => (leaf, Shared: Words(leaf.Node.Name).Intersect(words, StringComparer.Ordinal).Count()))
            .Where(leaf => leaf.Shared > 0)
            .OrderByDescending(leaf => leaf.Shared)
            .ToArray();
        return found.Length == 0 ? new(204, "") : RestResponse.Of(new
        {
            categorySuggestions = found.Select(found => new
            {
                category = new { categoryId = found.leaf.Node.Id, categoryName = found.leaf.Node.Name },
                categoryTreeNodeLevel = found.leaf.Node.Level,
                categoryTreeNodeAncestors = found.leaf.Ancestors.Reverse()
                    .Select(
                        ancestor => new
                        {
                            categoryId = ancestor.Id, categoryName = ancestor.Name, categoryTreeNodeLevel = ancestor.Level,
                        }).ToArray(),
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

    private static IEnumerable<(Node Node, Node[] Ancestors)> Leaves(IEnumerable<Node> nodes, Node[] ancestors) =>
        nodes.SelectMany(node => node.Children.Count == 0 ? [(node, ancestors)] : Leaves(node.Children, [.. ancestors, node]));

    private static HashSet<string> Words(string text) =>
        text.ToLowerInvariant().Split([' ', ',', '&', '/', '\''], StringSplitOptions.RemoveEmptyEntries)
            .Select(word => word.Length > 3 ? word.TrimEnd('s') : word).ToHashSet(StringComparer.Ordinal);

    private sealed record Node(string Id, string Name, int Level, List<Node> Children);
}

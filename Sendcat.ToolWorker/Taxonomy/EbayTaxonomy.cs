using System.Text.Json;
using Sendcat.Integrations.Ebay;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ToolWorker.Taxonomy;

/// <summary>Fetches eBay's category tree of one marketplace and flattens it.</summary>
internal sealed class EbayTaxonomy(EbayClient ebay)
{
    private const string Root = "commerce/taxonomy/v1";

    /// <summary>The response has tens of megabytes.</summary>
    private static readonly UpstreamPolicy Policy = EbaySearchProvider.Policy with
    {
        Timeout = TimeSpan.FromSeconds(120), MaxResponseBytes = 128 * 1024 * 1024,
    };

    public async Task<UpstreamResult<CategoryTree>> FetchAsync(string marketplace, CancellationToken cancellationToken)
    {
        var tree = await ebay.GetAsync(
            $"{Root}/get_default_category_tree_id?marketplace_id={marketplace}", response => response.Text("categoryTreeId"),
            cancellationToken);
        return tree.IsSuccess
            ? await ebay.GetAsync($"{Root}/category_tree/{Uri.EscapeDataString(tree.Value)}", Read, cancellationToken, Policy)
            : tree.Error;
    }

    private static CategoryTree? Read(JsonElement response)
    {
        if (response.Part("rootCategoryNode") is not { } root)
        {
            return null;
        }

        var categories = new Dictionary<string, Category>(StringComparer.Ordinal);
        var pending = new Stack<(JsonElement Node, string? Parent, string Path)>();
        Push(pending, root, parent: null, path: "");
        while (pending.TryPop(out var next))
        {
            var about = next.Node.Part("category");
            if (about?.Text("categoryId") is { } id && about?.Text("categoryName") is { } name)
            {
                var path = next.Path.Length == 0 ? name : $"{next.Path} > {name}";
                categories.TryAdd(id, new(id, name, next.Parent, path, IsLeaf(next.Node)));
                Push(pending, next.Node, id, path);
            }
        }

        return categories.Count == 0
            ? null
            : new(root.Part("category")?.Text("categoryId"), response.Text("categoryTreeVersion"), [.. categories.Values]);
    }

    /// <summary>Pushes the children of a node. The root is not a category itself, so its children have no parent.</summary>
    private static void Push(Stack<(JsonElement Node, string? Parent, string Path)> pending, JsonElement node, string? parent, string path)
    {
        foreach (var child in node.Items("childCategoryTreeNodes"))
        {
            pending.Push((child, parent, path));
        }
    }

    private static bool IsLeaf(JsonElement node) =>
        node.Part("leafCategoryTreeNode") is { ValueKind: JsonValueKind.True } || !node.Items("childCategoryTreeNodes").Any();
}

internal sealed record CategoryTree(string? RootId, string? Version, IReadOnlyList<Category> Categories);

/// <param name="ParentId">Null: a top-level category.</param>
/// <param name="Path">Names from the top-level category down, joined by <c> &gt; </c>.</param>
internal sealed record Category(string Id, string Name, string? ParentId, string Path, bool Leaf)
{
    /// <summary>The form of the name for comparisons.</summary>
    public string NormalizedName => CategoryNames.Normalized(Name);
}

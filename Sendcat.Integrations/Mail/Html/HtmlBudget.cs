using AngleSharp.Dom;
using AngleSharp.Html.Dom;

namespace Sendcat.Integrations.Mail.Html;

/// <summary>
/// What the HTML of one mail may cost, that of all its parts and attached mails together. Many tags make the parser walk all open elements,
/// or copy all open formatting elements, so its work grows with depth times tags. Which elements are open is no property of the text: the
/// budget looks at the tree while it is built. Not thread-safe.
/// </summary>
internal sealed class HtmlBudget
{
    private const int DeepestNesting = 300;

    private readonly Stack<(INode Node, int Depth)> _ends = new();
    private int _tags = 100_000;
    private int _added = 200_000;
    private long _visits = 10_000_000;
    private HashSet<INode> _end = new(ReferenceEqualityComparer.Instance);
    private HashSet<INode> _endBefore = new(ReferenceEqualityComparer.Instance);

    /// <summary>False: the mail has too many tags.</summary>
    public bool TakeTags(int tags)
    {
        if (tags > _tags)
        {
            return false;
        }

        _tags -= tags;
        return true;
    }

    /// <summary>Looks at the end of the tree, where the parser works.</summary>
    /// <param name="root">Body of the document, or the document's element.</param>
    /// <returns>False: the tree is too deep, or the budget is spent.</returns>
    public bool TakeToken(IElement? root)
    {
        var deepest = 0;
        (_end, _endBefore) = (_endBefore, _end);
        _end.Clear();
        if (root is not null)
        {
            _ends.Push((root, 1));
        }

        while (_ends.TryPop(out var end))
        {
            for (var (node, depth) = end; ; node = node.LastChild!, depth++)
            {
                _visits--;
                _added -= _end.Add(node) && !_endBefore.Contains(node) ? 1 : 0;
                deepest = Math.Max(deepest, depth);

                // What does not belong into a table is inserted before it, by a search through its siblings.
                if (node is IHtmlTableElement && node.Parent is { ChildNodes: { Length: > 1 } siblings })
                {
                    _visits -= siblings.Length;
                    if (siblings[^1] == node)
                    {
                        _ends.Push((siblings[^2], depth));
                    }
                }

                if (node.LastChild is null)
                {
                    break;
                }
            }
        }

        return deepest <= DeepestNesting && _visits > 0 && _added > 0;
    }
}

using System.Text;
using AngleSharp.Dom;

namespace Sendcat.Integrations.Mail.Markup;

/// <summary>Reads the attributes <c>itemscope</c>, <c>itemtype</c> and <c>itemprop</c>. <c>itemref</c> is not followed.</summary>
internal static class Microdata
{
    /// <summary>An element with more is no value, but a part of the mail.</summary>
    private const int MostChildren = 20;

    /// <summary>Characters and nodes inside of an element that are read for its value, which is much shorter.</summary>
    private const int LongestText = 4_096;
    private const int MostVisits = 2_000;

    public static IEnumerable<MarkupItem> Read(IDocument document)
    {
        if (document.DocumentElement is not { } root)
        {
            yield break;
        }

        var budget = new MarkupBudget();
        var roots = new List<OpenItem>();

        // In the order of the document an item begins before what is inside it. "Owner" is the innermost item that is open.
        var open = new Stack<(IElement Element, OpenItem? Owner)>();
        open.Push((root, null));
        while (open.TryPop(out var top))
        {
            var (element, owner) = top;
            var names = element.GetAttribute("itemprop")?.Split(' ', 8, StringSplitOptions.RemoveEmptyEntries) ?? [];
            var inner = owner;
            if (element.HasAttribute("itemscope") && budget.Take())
            {
                inner = new(element.GetAttribute("itemtype") ?? "");
                if (owner is not null && names.Length > 0)
                {
                    owner.Add(names, new(null, inner.Item));
                }
                else
                {
                    roots.Add(inner);
                }
            }
            else if (owner is not null && names.Length > 0 && ValueOf(element) is { Length: > 0 } value)
            {
                owner.Add(names, new(MarkupBudget.Limited(value), null));
            }

            // Not by PreviousElementSibling: it searches the list of the siblings, and a mail has tens of thousands of them.
            for (var at = element.ChildNodes.Length - 1; at >= 0; at--)
            {
                if (element.ChildNodes[at] is IElement child)
                {
                    open.Push((child, inner));
                }
            }
        }

        foreach (var item in roots)
        {
            yield return item.Item;
        }
    }

    private static string? ValueOf(IElement element) => element.LocalName switch
    {
        "meta" => element.GetAttribute("content"),
        "link" or "a" or "area" => element.GetAttribute("content") ?? element.GetAttribute("href"),
        "img" => element.GetAttribute("src"),
        "time" => element.GetAttribute("datetime") ?? Words(element),
        "data" or "meter" => element.GetAttribute("value") ?? Words(element),
        _ => element.GetAttribute("content") ?? Words(element),
    };

    /// <summary>Text of an element with few children; a property around half of the mail is no value.</summary>
    private static string? Words(IElement element) =>
        element.ChildElementCount > MostChildren
            ? null
            : string.Join(' ', Beginning(element).Split([' ', '\n', '\r', '\t', '\u00A0'], 60, StringSplitOptions.RemoveEmptyEntries));

    /// <summary>
    /// The beginning of the text inside of an element: of elements inside of each other, each may have the whole mail as its text.
    /// </summary>
    private static string Beginning(IElement element)
    {
        var text = new StringBuilder();
        var open = new Stack<(INode Node, int Next)>([(element, 0)]);
        for (var visits = 0; visits < MostVisits && text.Length < LongestText && open.TryPop(out var top); visits++)
        {
            if (top.Node is IText { Data: var data })
            {
                text.Append(data.AsSpan(0, Math.Min(data.Length, LongestText - text.Length)));
            }
            else if (top.Next < top.Node.ChildNodes.Length)
            {
                open.Push((top.Node, top.Next + 1));
                open.Push((top.Node.ChildNodes[top.Next], 0));
            }
        }

        return text.ToString();
    }

    private sealed class OpenItem(string type)
    {
        private readonly Dictionary<string, IReadOnlyList<MarkupValue>> _properties = new(StringComparer.Ordinal);

        public MarkupItem Item => field ??= new(
            [.. type.Split(' ', 4, StringSplitOptions.RemoveEmptyEntries).Select(MarkupBudget.TypeName)], _properties);

        public void Add(string[] names, MarkupValue value)
        {
            foreach (var name in names)
            {
                if (!_properties.TryGetValue(name, out var values))
                {
                    _properties[name] = values = new List<MarkupValue>();
                }

                ((List<MarkupValue>)values).Add(value);
            }
        }
    }
}

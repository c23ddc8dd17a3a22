using AngleSharp.Dom;

namespace Sendcat.Integrations.Mail.Markup;

/// <summary>Reads the attributes <c>itemscope</c>, <c>itemtype</c> and <c>itemprop</c>. <c>itemref</c> is not followed.</summary>
internal static class Microdata
{
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

            for (var child = element.LastElementChild; child is not null; child = child.PreviousElementSibling)
            {
                open.Push((child, inner));
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
        element.ChildElementCount > 20
            ? null
            : string.Join(' ', element.TextContent.Split([' ', '\n', '\r', '\t', '\u00A0'], 60, StringSplitOptions.RemoveEmptyEntries));

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

using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Dom.Events;
using AngleSharp.Html.Parser;

namespace Sendcat.Integrations.Mail.Html;

/// <summary>The visible text and the links of an HTML mail, and its document for markup.</summary>
/// <param name="Text">Lines of visible text.</param>
/// <param name="Links">Links to http and https addresses, in the order of the text.</param>
/// <param name="Document">Null: the HTML is too odd to be parsed.</param>
/// <param name="IsCut">The text is longer than the limit.</param>
internal sealed record HtmlReading(string Text, IReadOnlyList<MailLink> Links, IDocument? Document, bool IsCut)
{
    private const int MostLinks = 500;

    private static readonly HashSet<string> Unseen = new(StringComparer.OrdinalIgnoreCase)
    {
        "script", "style", "template", "noscript", "head", "title", "object", "iframe", "svg", "math", "select", "textarea", "audio",
        "video", "canvas", "datalist",
    };

    private static readonly HashSet<string> Blocks = new(StringComparer.OrdinalIgnoreCase)
    {
        "p", "div", "tr", "table", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "br", "hr", "blockquote", "pre", "section",
        "article", "header", "footer", "center",
        "dl", "dt", "dd", "tbody", "thead", "form", "fieldset", "address", "main", "aside", "nav", "figure", "figcaption", "caption",
    };

    private static readonly ElementStyle Page = new() { Text = new(0, 0, 0), Background = new(255, 255, 255) };

    /// <param name="html">An HTML part.</param>
    /// <param name="longest">Most characters of text.</param>
    /// <param name="budget">The budget of the whole mail.</param>
    public static HtmlReading Of(string html, int longest, HtmlBudget budget)
    {
        if (Parse(html, budget) is not { } document)
        {
            return WithoutTree(html, longest);
        }

        var sheet = new StyleSheet();
        foreach (var style in document.QuerySelectorAll("style").Take(20))
        {
            sheet.Add(style.TextContent);
        }

        var text = new VisibleTextWriter(longest);
        var links = new List<MailLink>();
        Walk(document.DocumentElement, sheet, text, links);
        return new(text.ToString(), links, document, text.IsFull);
    }

    /// <summary>Null: the HTML is too odd, or the budget is spent.</summary>
    private static IHtmlDocument? Parse(string html, HtmlBudget budget)
    {
        if (HtmlShape.CountTags(html) is not { } tags || !budget.TakeTags(tags))
        {
            return null;
        }

        IHtmlDocument? document = null;
        var parser = new HtmlParser(new HtmlParserOptions { IsScripting = false, OnToken = (_, _) => StopWhenSpent() });
        parser.Parsing += (_, parsing) => document = ((HtmlParseEvent)parsing).Document;
        try
        {
            return parser.ParseDocument(html);
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        // The parser can be stopped by an exception only.
        void StopWhenSpent()
        {
            if (!budget.TakeToken(document?.Body ?? document?.DocumentElement))
            {
                throw new OperationCanceledException();
            }
        }
    }

    private static void Walk(IElement root, StyleSheet sheet, VisibleTextWriter text, List<MailLink> links)
    {
        // An element is on the stack twice: to be entered, and, with the start of its text, to be left.
        var open = new Stack<(INode Node, ElementStyle Style, int LeftFrom)>();
        open.Push((root, Page, -1));
        while (open.TryPop(out var top) && !text.IsFull)
        {
            if (top.Node is IText { Data: var data })
            {
                if (!top.Style.IsUnreadable)
                {
                    text.Append(data);
                }
            }
            else if (top.Node is IElement element && top.LeftFrom >= 0)
            {
                Leave(element, top.LeftFrom, text, links);
            }
            else if (top.Node is IElement entered && !Unseen.Contains(entered.LocalName))
            {
                var style = StyleOf(entered, top.Style, sheet);
                if (style.IsRemoved)
                {
                    continue;
                }

                if (Blocks.Contains(entered.LocalName))
                {
                    text.Line();
                }

                open.Push((entered, style, text.Length));
                for (var at = entered.ChildNodes.Length - 1; at >= 0; at--)
                {
                    if (entered.ChildNodes[at] is var child and (IText or IElement))
                    {
                        open.Push((child, style, -1));
                    }
                }
            }
        }
    }

    private static void Leave(IElement element, int start, VisibleTextWriter text, List<MailLink> links)
    {
        if (element is IHtmlAnchorElement && element.GetAttribute("href")?.Trim() is { Length: <= 4_096 } address && links.Count < MostLinks
            && (address.StartsWith(
                "https://", StringComparison.OrdinalIgnoreCase) || address.StartsWith("http://", StringComparison.OrdinalIgnoreCase)))
        {
            links.Add(new(address, start, Math.Max(0, text.Length - start)));
        }

        if (Blocks.Contains(element.LocalName))
        {
            text.Line();
        }
        else if (element.LocalName is "td" or "th")
        {
            text.Blank();
        }
    }

    private static ElementStyle StyleOf(IElement element, ElementStyle outer, StyleSheet sheet)
    {
        var style = sheet.Of(element.LocalName, element.GetAttribute("class"), element.GetAttribute("id"));
        if (element.GetAttribute("bgcolor") is { } ground)
        {
            style = new ElementStyle { Background = ElementStyle.Colour.Read(ground.Trim().ToLowerInvariant()) }.With(style);
        }

        if (element.GetAttribute("background") is { Length: > 0 })
        {
            style = new ElementStyle { Background = new(0, 0, 0, false) }.With(style);
        }

        if (element.LocalName == "font" && element.GetAttribute("color") is { } colour)
        {
            style = new ElementStyle { Text = ElementStyle.Colour.Read(colour.Trim().ToLowerInvariant()) }.With(style);
        }

        if (element.GetAttribute("style") is { } inline)
        {
            style = style.With(ElementStyle.Read(inline));
        }

        var isTransparent = style.Background is { Alpha: false };
        return new()
        {
            IsRemoved = style.IsRemoved || element.HasAttribute("hidden") || element is IHtmlInputElement,
            IsInvisible = style.IsInvisible ?? outer.IsInvisible,
            IsTiny = style.IsTiny ?? outer.IsTiny,
            Text = style.Text ?? outer.Text,

            // A transparent colour shows the ground; a picture as ground is unknown.
            Background = isTransparent && !HasPicture(element) ? outer.Background : style.Background ?? outer.Background,
        };
    }

    private static bool HasPicture(IElement element) =>
        element.HasAttribute("background") || element.GetAttribute("style") is { } style
            && (style.Contains("url(", StringComparison.OrdinalIgnoreCase) || style.Contains(
                "gradient", StringComparison.OrdinalIgnoreCase));

    /// <summary>What stands between the tags. Hidden text cannot be told from visible text, so the mail has a defect.</summary>
    private static HtmlReading WithoutTree(string html, int longest)
    {
        var text = new VisibleTextWriter(longest);
        for (var at = 0; at < html.Length && !text.IsFull;)
        {
            var open = html.IndexOf('<', at);
            text.Append(html.AsSpan(at, (open < 0 ? html.Length : open) - at));
            if (open < 0)
            {
                break;
            }

            var close = html.IndexOf('>', open);
            if (close < 0)
            {
                break;
            }

            text.Blank();
            at = close + 1;
        }

        return new(System.Net.WebUtility.HtmlDecode(text.ToString()), [], null, text.IsFull);
    }
}

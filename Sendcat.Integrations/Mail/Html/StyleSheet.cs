namespace Sendcat.Integrations.Mail.Html;

/// <summary>
/// The rules of <c>&lt;style&gt;</c> elements with simple selectors: a tag, a class, an id, or a tag with one of the two. Rules inside
/// <c>@media</c> and the like are left out, because they apply to some readers only.
/// </summary>
internal sealed class StyleSheet
{
    private const int MostRules = 2_000;

    private readonly Dictionary<string, ElementStyle> _rules = new(StringComparer.OrdinalIgnoreCase);

    public void Add(string css)
    {
        var at = 0;
        while (at < css.Length && _rules.Count < MostRules)
        {
            var open = css.IndexOf('{', at);
            if (open < 0)
            {
                return;
            }

            var selectors = WithoutComments(css[at..open]).Trim();
            if (selectors.StartsWith('@'))
            {
                // "@import …;" stands before its next rule; "@media … { … }" ends where its brackets do.
                var semicolon = selectors.IndexOf(';', StringComparison.Ordinal);
                if (semicolon >= 0)
                {
                    selectors = selectors[(semicolon + 1)..].Trim();
                }
                else
                {
                    at = EndOfBlock(css, open);
                    continue;
                }
            }

            var close = css.IndexOf('}', open);
            close = close < 0 ? css.Length : close;
            AddRule(selectors, css[(open + 1)..close]);
            at = close + 1;
        }
    }

    /// <summary>The style of an element by its tag, classes and id.</summary>
    public ElementStyle Of(string tag, string? classes, string? id)
    {
        if (_rules.Count == 0)
        {
            return default;
        }

        var style = _rules.GetValueOrDefault(tag);
        foreach (var name in (classes ?? "").Split(' ', 20, StringSplitOptions.RemoveEmptyEntries))
        {
            style = style.With(_rules.GetValueOrDefault($".{name}")).With(_rules.GetValueOrDefault($"{tag}.{name}"));
        }

        return string.IsNullOrEmpty(id)
            ? style
            : style.With(_rules.GetValueOrDefault($"#{id}")).With(_rules.GetValueOrDefault($"{tag}#{id}"));
    }

    private void AddRule(string selectors, string declarations)
    {
        var style = ElementStyle.Read(WithoutComments(declarations));
        if (style == default)
        {
            return;
        }

        foreach (var selector in selectors.Split(',', 60, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (selector.Length <= 100 && !selector.AsSpan().ContainsAny(" >+~:[*"))
            {
                _rules[selector] = _rules.GetValueOrDefault(selector).With(style);
            }
        }
    }

    private static int EndOfBlock(string css, int open)
    {
        var depth = 0;
        for (var at = open; at < css.Length; at++)
        {
            depth += css[at] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
            {
                return at + 1;
            }
        }

        return css.Length;
    }

    private static string WithoutComments(string css)
    {
        if (!css.Contains("/*", StringComparison.Ordinal))
        {
            return css.Replace("<!--", "", StringComparison.Ordinal).Replace("-->", "", StringComparison.Ordinal);
        }

        var text = new System.Text.StringBuilder(css.Length);
        for (var at = 0; at < css.Length;)
        {
            var open = css.IndexOf("/*", at, StringComparison.Ordinal);
            text.Append(css, at, (open < 0 ? css.Length : open) - at);
            var close = open < 0 ? -1 : css.IndexOf("*/", open + 2, StringComparison.Ordinal);
            at = open < 0 || close < 0 ? css.Length : close + 2;
        }

        return text.ToString();
    }
}

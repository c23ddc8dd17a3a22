namespace Sendcat.Integrations.Mail.Html;

/// <summary>
/// Measures HTML before it is parsed. The time of a tree builder grows with depth times tags; nobody's mail program writes such depths.
/// </summary>
internal static class HtmlShape
{
    private const int DeepestNesting = 300;
    private const int MostTags = 40_000;
    private const int LongestTag = 32_768;
    private const int MostAttributes = 250;

    /// <summary>Elements that never have an end tag, or whose end tag is usually left out.</summary>
    private static readonly HashSet<string> NoEnd = new(StringComparer.OrdinalIgnoreCase)
    {
        "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
        "p", "li", "td", "th", "tr", "dt", "dd", "option", "thead", "tbody", "tfoot", "html", "head", "body",
    };

    /// <summary>True when the parser needs time proportional to the length.</summary>
    public static bool IsOrdinary(string html)
    {
        var open = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        var (depth, tags) = (0, 0);
        for (var at = html.IndexOf('<', StringComparison.Ordinal); at >= 0 && at + 1 < html.Length; at = html.IndexOf('<', at + 1))
        {
            var closes = html[at + 1] == '/';
            var start = closes ? at + 2 : at + 1;
            var end = start;
            while (end < html.Length && end - start < 40 && char.IsAsciiLetterOrDigit(html[end]))
            {
                end++;
            }

            if (end == start)
            {
                continue;
            }

            var close = html.IndexOf('>', end, Math.Min(LongestTag, html.Length - end));
            if (++tags > MostTags || (close < 0 && html.Length - end > LongestTag) || (close >= 0 && Attributes(html.AsSpan(end, close - end)) > MostAttributes))
            {
                return false;
            }

            var name = html[start..end];
            if (NoEnd.Contains(name))
            {
                continue;
            }

            var count = open.GetValueOrDefault(name);
            if (closes)
            {
                if (count > 0)
                {
                    open[name] = count - 1;
                    depth--;
                }
            }
            else
            {
                open[name] = count + 1;
                if (++depth > DeepestNesting)
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static int Attributes(ReadOnlySpan<char> tag)
    {
        var count = 0;
        for (var at = 1; at < tag.Length; at++)
        {
            count += char.IsWhiteSpace(tag[at - 1]) && !char.IsWhiteSpace(tag[at]) && tag[at] != '=' ? 1 : 0;
        }

        return count;
    }
}

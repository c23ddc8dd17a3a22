namespace Sendcat.Integrations.Mail.Html;

/// <summary>
/// Measures the tags of HTML before it is parsed: the parser compares the attributes of a tag with each other. Every place where a tag may
/// begin counts, also in comments, quotes and raw text, because only the parser knows which of them it sees as tags.
/// </summary>
internal static class HtmlShape
{
    private const int MostTags = 40_000;
    private const int LongestTag = 32_768;
    private const int MostAttributes = 250;

    /// <summary>Tags that begin inside of other tags are read again: most characters that are read for one of the text.</summary>
    private const int MostReadings = 4;

    /// <summary>The number of tags; null when they are more, longer, or have more attributes, than a mail program writes.</summary>
    public static int? CountTags(string html)
    {
        var (tags, read) = (0, 0L);
        for (var at = html.IndexOf('<', StringComparison.Ordinal); at >= 0 && at + 1 < html.Length; at = html.IndexOf('<', at + 1))
        {
            var name = html[at + 1] == '/' ? at + 2 : at + 1;
            if (name >= html.Length || !char.IsAsciiLetter(html[name]))
            {
                continue;
            }

            var (length, attributes) = Measure(html.AsSpan(name));
            read += length;
            if (++tags > MostTags || attributes > MostAttributes || length > LongestTag
                || read > (MostReadings * (long)html.Length) + LongestTag)
            {
                return null;
            }
        }

        return tags;
    }

    /// <summary>Reads a tag up to its end, or a little beyond a limit. A quoted value may hold the sign that ends a tag.</summary>
    /// <param name="tag">Text from the name of the tag on.</param>
    private static (int Length, int Attributes) Measure(ReadOnlySpan<char> tag)
    {
        if (tag.Length > LongestTag + 1)
        {
            tag = tag[..(LongestTag + 1)];
        }

        var attributes = 0;
        var at = Skip(tag, 0, static letter => !IsBlank(letter) && letter is not ('/' or '>'));
        while (attributes <= MostAttributes && (at = Skip(tag, at, static letter => IsBlank(letter) || letter == '/')) < tag.Length
            && tag[at] != '>')
        {
            attributes++;

            // An equals sign at the start belongs to the name.
            at = Skip(tag, at + 1, static letter => !IsBlank(letter) && letter is not ('/' or '>' or '='));
            at = Skip(tag, at, IsBlank);
            if (at < tag.Length && tag[at] == '=')
            {
                at = EndOfValue(tag, Skip(tag, at + 1, IsBlank));
            }
        }

        return (at, attributes);
    }

    private static int EndOfValue(ReadOnlySpan<char> tag, int at)
    {
        if (at < tag.Length && tag[at] is ('"' or '\''))
        {
            var length = tag[(at + 1)..].IndexOf(tag[at]);
            return length < 0 ? tag.Length : at + length + 2;
        }

        return Skip(tag, at, static letter => !IsBlank(letter) && letter != '>');
    }

    private static int Skip(ReadOnlySpan<char> tag, int at, Func<char, bool> isSkipped)
    {
        while (at < tag.Length && isSkipped(tag[at]))
        {
            at++;
        }

        return at;
    }

    private static bool IsBlank(char letter) => letter is ' ' or '\t' or '\n' or '\r' or '\f';
}

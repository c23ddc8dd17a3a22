using System.Text;
using MimeKit;

namespace Sendcat.Integrations.Mail.Senders;

/// <summary>One method of a header <c>Authentication-Results</c> (RFC 8601): <c>dkim=pass header.d=example.org</c>.</summary>
/// <param name="Name">Method in lower case.</param>
/// <param name="Verdict">Result in lower case.</param>
/// <param name="Properties">By names such as <c>header.d</c>, in lower case.</param>
internal sealed record AuthenticationMethod(string Name, string Verdict, IReadOnlyDictionary<string, string> Properties)
{
    public bool Passed => Verdict == "pass";
}

/// <summary>
/// The value of a header <c>Authentication-Results</c> or <c>ARC-Authentication-Results</c>. Reading never throws. A sender chooses parts
/// of the value, such as its address in a comment. A value with an open comment or quote, or one that is too long, holds no results.
/// </summary>
/// <param name="Server">Who checked: the authserv-id in lower case; empty without results.</param>
/// <param name="Instance">The <c>i=</c> of an ARC header; 0 without.</param>
/// <param name="Methods">What was checked.</param>
internal sealed record AuthenticationResults(string Server, int Instance, IReadOnlyList<AuthenticationMethod> Methods)
{
    private const int LongestHeader = 16_384;

    private static readonly AuthenticationResults None = new("", 0, []);

    /// <summary>
    /// Reads the header as it arrived: encoded words (RFC 2047) have no meaning in it, and decoded they could hold a quote.
    /// </summary>
    public static AuthenticationResults Read(Header header) =>
        header.RawValue.Length > LongestHeader ? None : Read(Encoding.Latin1.GetString(header.RawValue));

    private static AuthenticationResults Read(string header)
    {
        if (Parts(header) is not { } parts)
        {
            return None;
        }

        var instance = 0;
        if (parts.Count > 0 && parts[0] is [{ } first] && first.StartsWith("i=", StringComparison.OrdinalIgnoreCase))
        {
            _ = int.TryParse(first.AsSpan(2), System.Globalization.CultureInfo.InvariantCulture, out instance);
            parts.RemoveAt(0);
        }

        var server = parts.Count > 0 && parts[0].Count > 0 ? parts[0][0].ToLowerInvariant() : "";
        return new(server, instance, [.. parts.Skip(1).Select(Method).OfType<AuthenticationMethod>()]);
    }

    private static AuthenticationMethod? Method(List<string> words)
    {
        if (words.Count == 0 || Pair(words[0]) is not { } method)
        {
            return null;
        }

        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var word in words.Skip(1))
        {
            if (Pair(word) is { } property)
            {
                properties.TryAdd(property.Name, property.Value);
            }
        }

        return new(method.Name.Split('/')[0], method.Value.ToLowerInvariant(), properties);
    }

    private static (string Name, string Value)? Pair(string word) =>
        word.IndexOf('=', StringComparison.Ordinal) is > 0 and var at ? (word[..at].ToLowerInvariant(), word[(at + 1)..].Trim('"')) : null;

    /// <summary>
    /// The words between semicolons, without comments in parentheses. Quoted text is one word, and a character behind a backslash stands
    /// for itself. Null: a comment or a quote is open at the end, or a comment splits a quoted text in two.
    /// </summary>
    private static List<List<string>>? Parts(string header)
    {
        var parts = new List<List<string>> { new() };
        var word = new StringBuilder();
        var (comment, quoted, quotedInComment) = (0, false, false);
        for (var at = 0; at < header.Length; at++)
        {
            var letter = header[at];
            if ((comment > 0 || quoted) && letter == '\\')
            {
                if (++at == header.Length)
                {
                    return null;
                }

                if (comment == 0)
                {
                    word.Append(header[at]);
                }
            }
            else if (comment > 0 || (letter == '(' && !quoted))
            {
                comment += letter switch { '(' => 1, ')' => -1, _ => 0 };
                quotedInComment ^= letter == '"';
                if (comment == 0 && quotedInComment)
                {
                    return null;
                }
            }
            else if (letter == '"')
            {
                quoted = !quoted;
            }
            else if (!quoted && letter is (';' or ' ' or '\t' or '\r' or '\n'))
            {
                End();
                if (letter == ';')
                {
                    parts.Add([]);
                }
            }
            else
            {
                word.Append(letter);
            }
        }

        End();
        return comment > 0 || quoted ? null : parts;

        void End()
        {
            if (word.Length > 0)
            {
                parts[^1].Add(word.ToString());
                word.Clear();
            }
        }
    }
}

namespace Sendcat.Integrations.Mail.Senders;

/// <summary>One method of a header <c>Authentication-Results</c> (RFC 8601): <c>dkim=pass header.d=example.org</c>.</summary>
/// <param name="Name">Method in lower case.</param>
/// <param name="Verdict">Result in lower case.</param>
/// <param name="Properties">By names such as <c>header.d</c>, in lower case.</param>
internal sealed record AuthenticationMethod(string Name, string Verdict, IReadOnlyDictionary<string, string> Properties)
{
    public bool Passed => Verdict == "pass";
}

/// <summary>The value of a header <c>Authentication-Results</c> or <c>ARC-Authentication-Results</c>. Reading never throws.</summary>
/// <param name="Server">Who checked: the authserv-id in lower case.</param>
/// <param name="Instance">The <c>i=</c> of an ARC header; 0 without.</param>
/// <param name="Methods">What was checked.</param>
internal sealed record AuthenticationResults(string Server, int Instance, IReadOnlyList<AuthenticationMethod> Methods)
{
    private const int LongestHeader = 16_384;

    public static AuthenticationResults Read(string header)
    {
        var parts = Parts(header.Length > LongestHeader ? header[..LongestHeader] : header);
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

    /// <summary>The words between semicolons, without comments in parentheses. Quoted text is one word.</summary>
    private static List<List<string>> Parts(string header)
    {
        var parts = new List<List<string>> { new() };
        var word = new System.Text.StringBuilder();
        var (comment, quoted) = (0, false);
        foreach (var letter in header)
        {
            if (comment > 0 || (letter == '(' && !quoted))
            {
                comment += letter switch { '(' => 1, ')' => -1, _ => 0 };
            }
            else if (letter == '"')
            {
                quoted = !quoted;
            }
            else if (!quoted && (letter == ';' || char.IsWhiteSpace(letter)))
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
        return parts;

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

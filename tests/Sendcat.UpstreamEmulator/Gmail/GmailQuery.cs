using System.Globalization;

namespace Sendcat.UpstreamEmulator.Gmail;

/// <summary>
/// A search as Gmail understands it, in part: words, quoted phrases, <c>from:</c>, <c>subject:</c>, <c>after:</c>, <c>before:</c>,
/// <c>in:</c>, groups in <c>()</c> (all) and <c>{}</c> (any), <c>OR</c>, and <c>-</c> for not.
/// </summary>
internal sealed class GmailQuery
{
    private readonly string _text;
    private int _at;

    private GmailQuery(string text) => _text = text;

    /// <exception cref="FormatException">A bracket is not closed, or a date is none.</exception>
    public static Func<MailboxMessage, bool> Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return static _ => true;
        }

        var query = new GmailQuery(text);
        var matches = query.Group('\0', "", any: false);
        return query._at >= text.Length ? matches : throw new FormatException($"unexpected {text[query._at]}");
    }

    private Func<MailboxMessage, bool> Group(char end, string field, bool any)
    {
        var terms = new List<List<Func<MailboxMessage, bool>>>();
        var or = false;
        for (Blanks(); _at < _text.Length && _text[_at] != end; Blanks())
        {
            if (_text[_at..].StartsWith("OR ", StringComparison.Ordinal))
            {
                (_at, or) = (_at + 3, true);
                continue;
            }

            var term = Term(field, end);
            if (or && terms.Count > 0)
            {
                terms[^1].Add(term);
            }
            else
            {
                terms.Add([term]);
            }

            or = false;
        }

        if (end != '\0')
        {
            _at = _at < _text.Length ? _at + 1 : throw new FormatException($"{end} is missing");
        }

        return message => any
            ? terms.Exists(alternatives => alternatives.Exists(term => term(message)))
            : terms.TrueForAll(alternatives => alternatives.Exists(term => term(message)));
    }

    private Func<MailboxMessage, bool> Term(string field, char end)
    {
        if (_text[_at] == '-')
        {
            _at++;
            var negated = Term(field, end);
            return message => !negated(message);
        }

        if (_text[_at] is '(' or '{')
        {
            var isAny = _text[_at++] == '{';
            return Group(isAny ? '}' : ')', field, isAny);
        }

        if (_text[_at] == '"')
        {
            var close = _text.IndexOf('"', _at + 1);
            close = close < 0 ? throw new FormatException("a quote is not closed") : close;
            var phrase = _text[(_at + 1)..close];
            _at = close + 1;
            return Of(field, phrase);
        }

        var from = _at;
        while (_at < _text.Length && !char.IsWhiteSpace(_text[_at]) && _text[_at] != end && _text[_at] is not (':' or ')' or '}'))
        {
            _at++;
        }

        var word = _text[from.._at];
        if (_at < _text.Length && _text[_at] == ':')
        {
            _at++;
            return Term(word.ToLowerInvariant(), end);
        }

        return word.Length > 0 ? Of(field, word) : throw new FormatException($"unexpected {_text[_at]}");
    }

    private static Func<MailboxMessage, bool> Of(string field, string value) => field switch
    {
        "" => message => message.Text.Contains(value, StringComparison.OrdinalIgnoreCase),
        "from" => message => message.Header("From").Contains(value, StringComparison.OrdinalIgnoreCase),
        "subject" => message => message.Header("Subject").Contains(value, StringComparison.OrdinalIgnoreCase),
        "in" or "label" => message => message.Labels.Contains(value, StringComparer.OrdinalIgnoreCase),
        "after" => Date(value) is var after ? message => message.At >= after : null!,
        "before" => Date(value) is var before ? message => message.At < before : null!,
        _ => throw new FormatException($"the emulator does not know {field}:"),
    };

    private static DateTimeOffset Date(string value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? DateTimeOffset.FromUnixTimeSeconds(seconds)
        : DateTimeOffset.TryParseExact(
            value, ["yyyy/M/d", "yyyy-M-d"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day) ? day
        : throw new FormatException($"{value} is no date");

    private void Blanks()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
        {
            _at++;
        }
    }
}

namespace Sendcat.Integrations.Mail.Tracking;

/// <summary>
/// The words of a text of which tracking numbers may consist. A number is one word, or several with one blank between each two: carriers
/// print theirs in groups.
/// </summary>
internal sealed class NumberWords
{
    /// <summary>Most characters of a number, blanks not counted.</summary>
    public const int LongestNumber = 40;

    private const int MostGroups = 12;

    /// <summary>A longer word without a digit is no group of a number.</summary>
    private const int LongestLetters = 6;

    /// <summary>Above it are the scripts without blanks between words: a number may stand directly beside their letters.</summary>
    private const char LastOfAlphabets = '\u2E80';

    private readonly List<Word> _words = [];

    private NumberWords(string text) => Text = text;

    public string Text { get; }

    public int Count => _words.Count;

    public Word this[int at] => _words[at];

    public static NumberWords In(string text)
    {
        var words = new NumberWords(text);
        for (var at = 0; at < text.Length;)
        {
            var start = at;
            while (at < text.Length && char.IsAsciiLetterOrDigit(text[at]))
            {
                at++;
            }

            if (at - start is > 0 and <= LongestNumber
                && (at - start <= LongestLetters || text.AsSpan(start, at - start).ContainsAnyInRange('0', '9')))
            {
                words._words.Add(new(start, at - start));
            }

            at = at == start ? at + 1 : at;
        }

        return words;
    }

    /// <summary>The lengths of numbers that begin with this word and end with it or a later one, by the first two characters.</summary>
    /// <param name="at">The first word.</param>
    /// <param name="last">The last word that still may belong to such a number.</param>
    /// <returns>Bit <c>n</c> for <c>n</c> characters; 0: no number begins here.</returns>
    public ulong LengthsAt(int at, out int last)
    {
        last = at;
        var hasSecond = _words[at].Length > 1 || (at + 1 < _words.Count && IsJoined(at, at + 1));
        if (!hasSecond)
        {
            return 0;
        }

        // One blank stands before the second character of a number whose first word has one.
        var start = _words[at].Start;
        var lengths = TrackingFormats.LengthsOf(Text[start], Text[start + (_words[at].Length > 1 ? 1 : 2)]);
        if (lengths == 0)
        {
            return 0;
        }

        var length = _words[at].Length;
        var reached = 1UL << length;
        while (last + 1 < _words.Count && last + 1 < at + MostGroups && length + _words[last + 1].Length <= LongestNumber
            && IsJoined(last, last + 1))
        {
            length += _words[++last].Length;
            reached |= 1UL << length;
        }

        return lengths & reached;
    }

    /// <summary>Writes the words without the blanks between them, in capitals.</summary>
    /// <param name="from">The first word.</param>
    /// <param name="to">The last word.</param>
    /// <param name="joined">At least <see cref="LongestNumber"/> characters.</param>
    /// <returns>The number of characters.</returns>
    public int Join(int from, int to, Span<char> joined)
    {
        var length = 0;
        for (var at = from; at <= to; at++)
        {
            length += Text.AsSpan(_words[at].Start, _words[at].Length).ToUpperInvariant(joined[length..]);
        }

        return length;
    }

    /// <summary>Where a normalized number occurs as words of its own; null: nowhere.</summary>
    public (int Start, int Length)? Occurrence(string normalized)
    {
        for (var at = 0; at < _words.Count; at++)
        {
            var length = 0;
            for (var end = at; end < _words.Count && end < at + MostGroups && (end == at || IsJoined(end - 1, end)); end++)
            {
                var word = Text.AsSpan(_words[end].Start, _words[end].Length);
                if (!normalized.AsSpan(length).StartsWith(word, StringComparison.OrdinalIgnoreCase))
                {
                    break;
                }

                length += word.Length;
                if (length == normalized.Length)
                {
                    return (_words[at].Start, _words[end].End - _words[at].Start);
                }
            }
        }

        return null;
    }

    /// <summary>Whether a number may begin with this word: what stands before it does not belong to it.</summary>
    public bool MayBegin(int at)
    {
        var start = _words[at].Start;
        return start == 0 || Text[start - 1] switch
        {
            '-' or '+' or '@' or '/' or '_' or '=' or '&' or '%' or '$' or '€' or '£' => false,
            '.' => start < 2 || !char.IsAsciiDigit(Text[start - 2]),
            var before => before > LastOfAlphabets || !char.IsLetterOrDigit(before),
        };
    }

    /// <summary>Whether a number may end with this word.</summary>
    public bool MayEnd(int at) => MayEnd(Text, _words[at].End);

    /// <summary>Whether a number may end before this place: what stands there does not belong to it.</summary>
    public static bool MayEnd(string text, int end) =>
        end == text.Length
            || (text[end] is not ('@' or '_') && !char.IsLetterOrDigit(text[end])
                && (text[end] != '-' || end + 1 == text.Length || !char.IsLetterOrDigit(text[end + 1]) || IsPieceCount(text, end)))
            || text[end] > LastOfAlphabets;

    /// <summary>LaserShip prints <c>-1</c> behind its numbers.</summary>
    private static bool IsPieceCount(string text, int hyphen) =>
        text[hyphen + 1] == '1' && (hyphen + 2 == text.Length || !char.IsLetterOrDigit(text[hyphen + 2]));

    private bool IsJoined(int left, int right) =>
        _words[right].Start == _words[left].End + 1 && Text[_words[left].End] is (' ' or '\u00A0');

    /// <summary>ASCII letters and digits: at most <see cref="LongestNumber"/> with a digit, or a few letters.</summary>
    public readonly record struct Word(int Start, int Length)
    {
        public int End => Start + Length;
    }
}

using System.Text;

namespace Sendcat.Integrations.Mail.Html;

/// <summary>
/// Writes the text that a reader sees: single blanks, single line breaks, without characters that show nothing. It stops at its limit.
/// </summary>
internal sealed class VisibleTextWriter(int longest)
{
    /// <summary>The plane of the tag characters and variation selectors, U+E0000 to U+E01EF, begins with this half of a pair.</summary>
    private const char HighSurrogateOfTags = '\uDB40';

    private readonly StringBuilder _text = new();
    private bool _blank;
    private bool _line;

    public int Length => _text.Length + (_line || _blank ? 1 : 0);

    public bool IsFull => _text.Length >= longest;

    public void Append(ReadOnlySpan<char> text)
    {
        for (var at = 0; at < text.Length && !IsFull; at++)
        {
            var letter = text[at];
            if (letter == HighSurrogateOfTags)
            {
                at++;
            }
            else if (IsBlank(letter))
            {
                _blank = true;
            }
            else if (!ShowsNothing(letter))
            {
                Flush();
                _text.Append(letter);
            }
        }
    }

    public void Line() => _line = true;

    public void Blank() => _blank = true;

    /// <summary>The text of a plain part: its line breaks stay, blanks are single.</summary>
    public static string OfPlain(string text, int longest, out bool isCut)
    {
        var writer = new VisibleTextWriter(longest);
        foreach (var line in text.Split('\n'))
        {
            writer.Append(line);
            writer.Line();
            if (writer.IsFull)
            {
                break;
            }
        }

        isCut = writer.IsFull;
        return writer.ToString();
    }

    /// <summary>
    /// Characters of width zero, soft hyphens, marks that turn the direction of text, and the invisible copies of ASCII that are tags: they
    /// split words for a program and not for a person.
    /// </summary>
    public static bool ShowsNothing(char letter) =>
        letter is '\u00AD' or '\u034F' or '\u061C' or '\u180E' or (
            >= '\u200B' and <= '\u200F') or (>= '\u202A' and <= '\u202E') or (>= '\u2060' and <= '\u206F') or '\uFEFF'
        or (>= '\uFE00' and <= '\uFE0F')
        || (char.IsControl(letter) && letter is not ('\n' or '\t' or '\r'));

    public override string ToString() => _text.ToString();

    private static bool IsBlank(char letter) =>
        letter is ' ' or '\t' or '\n' or '\r' or '\u00A0' or '\u202F' or '\u2007' or '\u2009' or '\u200A'
            or '\u2002' or '\u2003' or '\u3000';

    private void Flush()
    {
        if (_text.Length > 0 && (_line || _blank))
        {
            _text.Append(_line ? '\n' : ' ');
        }

        (_line, _blank) = (false, false);
    }
}

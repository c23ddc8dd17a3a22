using System.Globalization;
using System.Text;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Attachments;

/// <summary>The name of a file as it is shown. It never becomes part of a path.</summary>
internal static class FileName
{
    /// <summary>Characters.</summary>
    public const int Longest = 255;

    private const string Default = "file";

    /// <summary>
    /// The last part of the client's name, without control and invisible formatting characters and cut to <see cref="Longest"/>.
    /// <c>file</c> if nothing is left.
    /// </summary>
    public static string Of(string? name)
    {
        var last = name is null ? "" : name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        var shown = new StringBuilder(last.Length);
        foreach (var rune in last.EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator))
            {
                shown.Append(rune.ToString());
            }
        }

        var clean = TextLimit.Cut(shown.ToString().Trim(), Longest).Trim();
        return clean is "" or "." or ".." ? Default : clean;
    }
}

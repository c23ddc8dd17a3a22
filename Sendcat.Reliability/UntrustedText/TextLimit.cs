namespace Sendcat.Reliability.UntrustedText;

/// <summary>Truncates text without splitting a surrogate pair. Lengths are in UTF-16 code units.</summary>
public static class TextLimit
{
    /// <summary>The longest start of the text that has at most <paramref name="longest"/> characters.</summary>
    public static string Cut(string text, int longest) => text.Length <= longest ? text : text[..LengthWithin(text, longest)];

    /// <summary>The length of the result of <see cref="Cut"/>.</summary>
    public static int LengthWithin(ReadOnlySpan<char> text, int longest) =>
        text.Length <= longest ? text.Length : longest > 0 && char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest;
}

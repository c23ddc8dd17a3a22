using System.Globalization;
using System.Text;

namespace Sendcat.UpstreamEmulator.OpenRouter.Assistant;

/// <summary>Splits text into chunks as models do: between words or between characters, never inside a character.</summary>
internal static class Pieces
{
    /// <summary>About <paramref name="count"/> pieces of whole words. Concatenated, they are the text.</summary>
    public static List<string> OfWords(string text, int count)
    {
        var words = new List<string>();
        var start = 0;
        for (var i = 1; i < text.Length; i++)
        {
            if (char.IsWhiteSpace(text[i]) && !char.IsWhiteSpace(text[i - 1]))
            {
                words.Add(text[start..i]);
                start = i;
            }
        }

        if (start < text.Length)
        {
            words.Add(text[start..]);
        }

        var perPiece = Math.Max(1, (words.Count + count - 1) / count);
        return [.. words.Chunk(perPiece).Select(piece => string.Concat(piece))];
    }

    /// <summary>Exactly <paramref name="count"/> pieces; the last ones are empty when the text is too short.</summary>
    public static List<string> Exactly(string text, int count)
    {
        var runes = text.EnumerateRunes().ToList();
        return [
            .. Enumerable.Range(0, count).Select(
                i => Join(runes, (int)((long)runes.Count * i / count), (int)((long)runes.Count * (i + 1) / count)))];
    }

    /// <summary>Pieces of <paramref name="length"/> characters; the last one may be shorter.</summary>
    public static List<string> OfLength(string text, int length)
    {
        var runes = text.EnumerateRunes().ToList();
        return [
            .. Enumerable.Range(0, (runes.Count + length - 1) / length)
                .Select(i => Join(runes, i * length, Math.Min(runes.Count, (i + 1) * length)))];
    }

    /// <summary>
    /// The numbers <c>1 2 3 …</c>, one per piece, each padded to <paramref name="bytes"/> bytes. The receiver can detect a missing,
    /// duplicate or cut piece.
    /// </summary>
    public static List<string> Numbered(int count, int? bytes) =>
        [.. Enumerable.Range(1, count).Select(i => i.ToString(CultureInfo.InvariantCulture))
            .Select(n => bytes is { } size && size > n.Length + 1 ? $"{n}{new string('.', size - n.Length - 1)} " : $"{n} ")];

    private static string Join(List<Rune> runes, int from, int to)
    {
        var text = new StringBuilder();
        for (var i = from; i < to; i++)
        {
            text.Append(runes[i].ToString());
        }

        return text.ToString();
    }
}

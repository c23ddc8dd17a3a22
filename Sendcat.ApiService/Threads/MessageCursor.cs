using System.Globalization;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// The cursor of a page of messages: the <see cref="ChatMessage.Seq"/> of its last message, negative where newest come first.
/// </summary>
internal static class MessageCursor
{
    public static string Text(long seq, bool newestFirst) => (newestFirst ? -seq : seq).ToString(CultureInfo.InvariantCulture);

    /// <param name="text">No text: the first page.</param>
    /// <param name="newestFirst">The order of the list.</param>
    /// <param name="seq">The last message of the page before.</param>
    /// <returns>False for text that is no cursor of this order.</returns>
    public static bool TryRead(string? text, bool newestFirst, out long seq)
    {
        seq = newestFirst ? long.MaxValue : 0;
        if (string.IsNullOrEmpty(text))
        {
            return true;
        }

        var digits = newestFirst && text[0] == '-' ? text[1..] : newestFirst ? "" : text;
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out seq);
    }
}

using System.Text;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>
/// Throttles the argument events of one tool call. Every event repeats all text so far, so the events become rarer as the text grows: the
/// size of all snapshots together stays below 32 KiB plus three times the text. A snapshot with every token would cost the square of the
/// text.
/// </summary>
internal sealed class ArgumentsText
{
    /// <summary>Characters of text up to which every delta is written at once.</summary>
    private const int ShortText = 256;

    private readonly StringBuilder text = new();
    private int written;

    /// <summary>Text was appended after the last event.</summary>
    public bool HasUnwritten => text.Length > written;

    /// <returns>True when the caller must write an event now.</returns>
    public bool Append(string delta)
    {
        text.Append(delta);
        return text.Length <= ShortText || text.Length - written >= written / 2;
    }

    /// <summary>Returns the text since the last event, and all text so far, and counts it as written.</summary>
    public (string Delta, string Snapshot) Take()
    {
        var snapshot = text.ToString();
        var delta = snapshot[written..];
        written = snapshot.Length;
        return (delta, snapshot);
    }
}

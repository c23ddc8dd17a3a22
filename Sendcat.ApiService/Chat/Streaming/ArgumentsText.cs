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

    private readonly StringBuilder _text = new();
    private int _written;

    /// <summary>Text was appended after the last event.</summary>
    public bool HasUnwritten => _text.Length > _written;

    /// <returns>True when the caller must write an event now.</returns>
    public bool Append(string delta)
    {
        _text.Append(delta);
        return _text.Length <= ShortText || _text.Length - _written >= _written / 2;
    }

    /// <summary>Returns the text since the last event, and all text so far, and counts it as written.</summary>
    public (string Delta, string Snapshot) Take()
    {
        var snapshot = _text.ToString();
        var delta = snapshot[_written..];
        _written = snapshot.Length;
        return (delta, snapshot);
    }
}

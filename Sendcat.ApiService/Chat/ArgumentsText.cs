using System.Text;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The arguments of one tool call on their way to a reader. Every event repeats all text so far, so the events become rarer as the text grows: together the snapshots stay below 32 KiB and
/// three times the text, where a snapshot with every token would cost the square of it.
/// </summary>
internal sealed class ArgumentsText
{
    /// <summary>Characters up to which every delta goes out as it came.</summary>
    private const int ShortText = 256;

    private readonly StringBuilder text = new();
    private int written;

    /// <summary>Something came after the last event.</summary>
    public bool IsHeld => text.Length > written;

    /// <returns>True: it is time for an event.</returns>
    public bool Append(string delta)
    {
        text.Append(delta);
        return text.Length <= ShortText || text.Length - written >= written / 2;
    }

    /// <summary>What came since the last event, and everything so far.</summary>
    public (string Delta, string Snapshot) Take()
    {
        var snapshot = text.ToString();
        var delta = snapshot[written..];
        written = snapshot.Length;
        return (delta, snapshot);
    }
}

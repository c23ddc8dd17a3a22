using Sendcat.ApiService.Chat.Streaming;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>
/// Limits the characters that one turn accepts from its model. Text, reasoning and tool arguments count; the delta that exceeds the limit
/// is truncated. Each change between these kinds starts a new entry in the feed, which costs memory, so changes beyond 500 count as 200
/// characters each.
/// </summary>
/// <param name="characters">Maximum characters (UTF-16 code units) of the turn.</param>
internal sealed class AnswerLimit(int characters)
{
    private const int FreeChanges = 500;
    private const int CharactersPerChange = 200;

    private Type? _lastKind;
    private int _changes;
    private int _remaining = characters;

    /// <summary>The model has exceeded the limit.</summary>
    public bool IsExceeded { get; private set; }

    /// <summary>Counts an event against the limit.</summary>
    /// <returns>The event, truncated to the limit; null if nothing of it fits. Events of other kinds are returned unchanged.</returns>
    public ChatEvent? Take(ChatEvent chatEvent)
    {
        if (chatEvent.DeltaText is not { } text)
        {
            return chatEvent;
        }

        if (_lastKind != chatEvent.GetType())
        {
            _lastKind = chatEvent.GetType();
            _remaining -= ++_changes > FreeChanges ? CharactersPerChange : 0;
        }

        if (text.Length <= _remaining)
        {
            _remaining -= text.Length;
            return chatEvent;
        }

        IsExceeded = true;
        var fitting = TextLimit.LengthWithin(text, Math.Max(_remaining, 0));
        _remaining = 0;
        return fitting == 0 ? null : chatEvent.WithDeltaText(text[..fitting]);
    }
}

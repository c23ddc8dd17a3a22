namespace Sendcat.ApiService.Chat;

/// <summary>
/// What a turn may still get from its model: text, reasoning and tool arguments count. The delta that goes beyond is cut to what fits. A change between the kinds costs memory of its own, so an answer
/// that changes oftener than any real one pays for it.
/// </summary>
internal sealed class AnswerLimit(int characters)
{
    private const int FreeChanges = 500;
    private const int CharactersPerChange = 200;

    private Type? last;
    private int changes;
    private int left = characters;

    /// <summary>The model said more than fits.</summary>
    public bool IsExceeded { get; private set; }

    /// <returns>The event, cut to what fits; null if nothing of it does. What is not from the model passes.</returns>
    public ChatEvent? Take(ChatEvent told)
    {
        var text = told switch
        {
            ChatEvent.Content content => content.Text,
            ChatEvent.Reasoning reasoning => reasoning.Text,
            ChatEvent.ToolInputDelta delta => delta.Delta,
            _ => null,
        };
        if (text is null)
        {
            return told;
        }

        if (last != told.GetType())
        {
            last = told.GetType();
            left -= ++changes > FreeChanges ? CharactersPerChange : 0;
        }

        if (text.Length <= left)
        {
            left -= text.Length;
            return told;
        }

        IsExceeded = true;
        var fits = Math.Max(left, 0);
        fits -= fits > 0 && char.IsHighSurrogate(text[fits - 1]) ? 1 : 0;
        left = 0;
        return fits == 0 ? null : told switch
        {
            ChatEvent.Content => new ChatEvent.Content(text[..fits]),
            ChatEvent.Reasoning => new ChatEvent.Reasoning(text[..fits]),
            ChatEvent.ToolInputDelta delta => delta with { Delta = text[..fits] },
            _ => throw new InvalidOperationException("Only deltas are cut."),
        };
    }
}

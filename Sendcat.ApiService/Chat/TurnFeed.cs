using System.Text;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The replayable record of a running turn. Any number of readers start at the first event and go on live, each at its own pace, without gap or repeat.
/// Neighbouring deltas of one kind are kept as one growing text, so that a long answer costs its characters and not its chunks; a reader that is awake sees
/// every delta as it came.
/// </summary>
internal sealed class TurnFeed
{
    // A builder that starts small grows into a chain of pieces, each of which the garbage collector visits.
    private const int FirstCharacters = 256;

    /// <summary>Characters of one event: what a reader has to catch up with comes in pieces that its connection can hold.</summary>
    public const int LongestDelta = 8_192;

    private readonly Lock gate = new();
    private readonly List<Entry> entries = new(8);
    private FeedReader[] readers = [];
    private bool completed;

    /// <summary>True after the last event.</summary>
    public bool Completed
    {
        get
        {
            lock (gate)
            {
                return completed;
            }
        }
    }

    public void Append(ChatEvent happened)
    {
        FeedReader[] awake;
        lock (gate)
        {
            var (key, text) = happened switch
            {
                ChatEvent.Content content => ("", content.Text),
                ChatEvent.Reasoning reasoning => ("", reasoning.Text),
                ChatEvent.ToolInputDelta delta => (delta.ToolCallId, delta.Delta),
                _ => (null, null),
            };

            if (text is null)
            {
                entries.Add(new Entry(happened));
            }
            else if (entries.Count > 0 && entries[^1] is { Text: { } growing } last && last.Event.GetType() == happened.GetType()
                && (happened is not ChatEvent.ToolInputDelta || ((ChatEvent.ToolInputDelta)last.Event).ToolCallId == key))
            {
                entries[^1] = new Entry(happened, growing, growing.Length);
                growing.Append(text);
            }
            else
            {
                entries.Add(new Entry(happened, new StringBuilder(text, FirstCharacters)));
            }

            awake = readers;
        }

        // Outside the lock: a reader's continuation runs right here and reads again.
        foreach (var reader in awake)
        {
            reader.Wake();
        }
    }

    /// <summary>No event follows; readers end when they have read what there is.</summary>
    public void Complete()
    {
        FeedReader[] awake;
        lock (gate)
        {
            completed = true;
            awake = readers;
        }

        foreach (var reader in awake)
        {
            reader.Wake();
        }
    }

    public FeedReader Open()
    {
        var reader = new FeedReader(this);
        lock (gate)
        {
            readers = [.. readers, reader];
        }

        return reader;
    }

    internal void Close(FeedReader reader)
    {
        lock (gate)
        {
            readers = readers.Where(other => other != reader).ToArray();
        }
    }

    /// <summary>The next event after the reader's place; moves the place.</summary>
    internal FeedRead TryRead(ref int index, ref int offset, out ChatEvent? next)
    {
        lock (gate)
        {
            while (index < entries.Count)
            {
                var entry = entries[index];
                if (entry.Text is null)
                {
                    next = entry.Event;
                    index++;
                    return FeedRead.Event;
                }

                if (offset < entry.Text.Length)
                {
                    var from = offset;
                    offset = EndOfPiece(entry.Text, from);
                    if (from == entry.LastAt && offset == entry.Text.Length)
                    {
                        next = entry.Event;
                        return FeedRead.Event;
                    }

                    var text = entry.Text.ToString(from, offset - from);
                    next = entry.Event switch
                    {
                        ChatEvent.Content => new ChatEvent.Content(text),
                        ChatEvent.Reasoning => new ChatEvent.Reasoning(text),
                        ChatEvent.ToolInputDelta delta => delta with { Delta = text },
                        _ => throw new InvalidOperationException("Only deltas grow."),
                    };
                    return FeedRead.Event;
                }

                if (index == entries.Count - 1)
                {
                    break;
                }

                index++;
                offset = 0;
            }

            next = null;
            return completed ? FeedRead.End : FeedRead.Nothing;
        }
    }

    private static int EndOfPiece(StringBuilder text, int from)
    {
        var end = from + LongestDelta;
        return end >= text.Length ? text.Length
            // Both halves of a character go into the same event.
            : char.IsHighSurrogate(text[end - 1]) ? end - 1
            : end;
    }

    /// <param name="Event">Of a row of deltas, the last.</param>
    /// <param name="Text">Set for deltas: everything said in a row.</param>
    /// <param name="LastAt">Where the last delta begins in it.</param>
    private readonly record struct Entry(ChatEvent Event, StringBuilder? Text = null, int LastAt = 0);
}

internal enum FeedRead
{
    Nothing,
    Event,
    End,
}

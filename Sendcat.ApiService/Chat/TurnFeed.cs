using System.Text;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The replayable record of a running turn. Any number of readers start at the first event and go on live, each at its own pace, without gap or repeat.
/// Neighbouring deltas of one kind are kept as one growing text, so that a long answer costs its characters and not its chunks; a reader that is awake sees
/// every delta as it came. What arrives together is reported together: the producer adds events and notifies the readers when no further one is there at once.
/// </summary>
internal sealed class TurnFeed
{
    // A builder that starts small grows into a chain of pieces, each of which the garbage collector visits.
    private const int FirstCharacters = 256;

    /// <summary>Characters of one event: what a reader has to catch up with comes in pieces that its connection can hold.</summary>
    public const int LongestDelta = 8_192;

    /// <summary>Events after which the readers are notified even if more are there already.</summary>
    private const int MostTogether = 64;

    private readonly Lock gate = new();
    private readonly List<Entry> entries = new(8);

    /// <summary>Deltas since the last notification and those of the one before, as they came.</summary>
    private readonly List<Delta> recent = new(8);
    private int added;
    private bool notified;
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

    /// <summary>Adds an event and notifies the readers.</summary>
    public void Append(ChatEvent happened)
    {
        Add(happened);
        Notify();
    }

    /// <summary>Adds an event that the readers are notified of later, with <see cref="Notify"/> or <see cref="Complete"/>, or when 64 are waiting.</summary>
    public void Add(ChatEvent happened)
    {
        bool many;
        lock (gate)
        {
            if (notified)
            {
                notified = false;
                recent.Clear();
            }

            AddToEntries(happened);
            many = ++added >= MostTogether;
        }

        if (many)
        {
            Notify();
        }
    }

    /// <summary>Wakes the readers if something was added. Call it without a lock: a reader's continuation runs right here and reads.</summary>
    public void Notify()
    {
        FeedReader[] awake;
        lock (gate)
        {
            if (added == 0)
            {
                return;
            }

            (added, notified) = (0, true);
            awake = readers;
        }

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
                    if (RecentDelta(index, offset) is { } delta)
                    {
                        next = delta.Event;
                        offset += delta.Length;
                        return FeedRead.Event;
                    }

                    var from = offset;
                    offset = EndOfPiece(entry.Text, from);
                    var text = entry.Text.ToString(from, offset - from);
                    next = entry.Event switch
                    {
                        ChatEvent.Content => new ChatEvent.Content(text),
                        ChatEvent.Reasoning => new ChatEvent.Reasoning(text),
                        ChatEvent.ToolInputDelta input => input with { Delta = text },
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

    private void AddToEntries(ChatEvent happened)
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
            return;
        }

        if (entries.Count == 0 || entries[^1] is not { Text: { } growing } last || last.Event.GetType() != happened.GetType()
            || (last.Event is ChatEvent.ToolInputDelta earlier && earlier.ToolCallId != key))
        {
            growing = new StringBuilder(FirstCharacters);
            entries.Add(new Entry(happened, growing));
        }

        if (text.Length is > 0 and <= LongestDelta)
        {
            recent.Add(new(entries.Count - 1, growing.Length, text.Length, happened));
        }

        growing.Append(text);
    }

    private Delta? RecentDelta(int entry, int at)
    {
        foreach (var delta in recent)
        {
            if (delta.Entry == entry && delta.At == at)
            {
                return delta;
            }
        }

        return null;
    }

    private static int EndOfPiece(StringBuilder text, int from)
    {
        var end = from + LongestDelta;
        return end >= text.Length ? text.Length
            // Both halves of a character go into the same event.
            : char.IsHighSurrogate(text[end - 1]) ? end - 1
            : end;
    }

    /// <param name="Event">Of a row of deltas, the first.</param>
    /// <param name="Text">Set for deltas: the characters of the whole row.</param>
    private readonly record struct Entry(ChatEvent Event, StringBuilder? Text = null);

    /// <param name="Entry">Index of the row that it belongs to.</param>
    /// <param name="At">Characters before it in the row.</param>
    private readonly record struct Delta(int Entry, int At, int Length, ChatEvent Event);
}

internal enum FeedRead
{
    Nothing,
    Event,
    End,
}

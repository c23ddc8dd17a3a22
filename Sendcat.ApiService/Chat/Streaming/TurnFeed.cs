using System.Text;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>
/// The replayable events of a running turn, in memory. Any number of readers start at the first event and continue live, each at its own
/// pace, without gap or repetition. Adjacent deltas of one kind are stored as one growing text, so that the memory depends on the
/// characters of an answer and not on its chunks; a reader that keeps up still gets every delta as it was added. Notifications are batched:
/// the producer adds the events that are available and notifies the readers when the next one is not available yet. Thread-safe.
/// </summary>
internal sealed class TurnFeed
{
    // A StringBuilder with a small initial capacity grows into a long chain of chunks, each of which costs the garbage collector a visit.
    private const int InitialCapacity = 256;

    /// <summary>
    /// Maximum characters of one replayed delta. A longer backlog is split, so that the buffer of the reader's connection can hold each
    /// event.
    /// </summary>
    public const int MaxDeltaLength = 8_192;

    /// <summary>Added events after which the readers are notified, even if the producer has more.</summary>
    private const int MaxBatch = 64;

    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = new(8);

    /// <summary>
    /// The deltas of the current batch, as they were added; after a notification they stay until the next event is added.
    /// </summary>
    private readonly List<Delta> _recent = new(8);
    private int _unnotified;
    private bool _notified;
    private FeedReader[] _readers = [];
    private bool _completed;

    /// <summary>True after the last event.</summary>
    public bool Completed
    {
        get
        {
            lock (_gate)
            {
                return _completed;
            }
        }
    }

    /// <summary>Adds an event and notifies the readers.</summary>
    public void Append(ChatEvent chatEvent)
    {
        Add(chatEvent);
        Notify();
    }

    /// <summary>
    /// Adds an event. The readers are notified by <see cref="Notify"/> or <see cref="Complete"/>, or when 64 events are waiting.
    /// </summary>
    public void Add(ChatEvent chatEvent)
    {
        bool batchIsFull;
        lock (_gate)
        {
            if (_notified)
            {
                _notified = false;
                _recent.Clear();
            }

            AddToEntries(chatEvent);
            batchIsFull = ++_unnotified >= MaxBatch;
        }

        if (batchIsFull)
        {
            Notify();
        }
    }

    /// <summary>
    /// Wakes the readers if events were added. Call it without a lock: the continuation of a reader runs on this thread and reads.
    /// </summary>
    public void Notify()
    {
        FeedReader[] current;
        lock (_gate)
        {
            if (_unnotified == 0)
            {
                return;
            }

            (_unnotified, _notified) = (0, true);
            current = _readers;
        }

        foreach (var reader in current)
        {
            reader.Wake();
        }
    }

    /// <summary>Closes the feed to further events and wakes the readers, which end after the last event.</summary>
    public void Complete()
    {
        FeedReader[] current;
        lock (_gate)
        {
            _completed = true;
            current = _readers;
        }

        foreach (var reader in current)
        {
            reader.Wake();
        }
    }

    /// <summary>Opens a reader at the first event. Dispose it.</summary>
    public FeedReader Open()
    {
        var reader = new FeedReader(this);
        lock (_gate)
        {
            _readers = [.. _readers, reader];
        }

        return reader;
    }

    internal void Close(FeedReader reader)
    {
        lock (_gate)
        {
            _readers = _readers.Where(other => other != reader).ToArray();
        }
    }

    /// <summary>Reads the next event after the reader's position and advances the position.</summary>
    /// <param name="index">Index of the entry to read.</param>
    /// <param name="offset">Characters of that entry that were read before.</param>
    internal FeedRead TryRead(ref int index, ref int offset, out ChatEvent? next)
    {
        lock (_gate)
        {
            while (index < _entries.Count)
            {
                var entry = _entries[index];
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
                    offset = EndOfChunk(entry.Text, from);
                    next = entry.Event.WithDeltaText(entry.Text.ToString(from, offset - from));
                    return FeedRead.Event;
                }

                if (index == _entries.Count - 1)
                {
                    break;
                }

                index++;
                offset = 0;
            }

            next = null;
            return _completed ? FeedRead.End : FeedRead.Nothing;
        }
    }

    private void AddToEntries(ChatEvent chatEvent)
    {
        if (chatEvent.DeltaText is not { } text)
        {
            _entries.Add(new Entry(chatEvent));
            return;
        }

        if (_entries.Count == 0 || _entries[^1] is not { Text: { } growing } last || last.Event.GetType() != chatEvent.GetType()
            || (last.Event is ChatEvent.ToolInputDelta earlier && earlier.ToolCallId != ((ChatEvent.ToolInputDelta)chatEvent).ToolCallId))
        {
            growing = new StringBuilder(InitialCapacity);
            _entries.Add(new Entry(chatEvent, growing));
        }

        if (text.Length is > 0 and <= MaxDeltaLength)
        {
            _recent.Add(new(_entries.Count - 1, growing.Length, text.Length, chatEvent));
        }

        growing.Append(text);
    }

    private Delta? RecentDelta(int entry, int at)
    {
        foreach (var delta in _recent)
        {
            if (delta.Entry == entry && delta.At == at)
            {
                return delta;
            }
        }

        return null;
    }

    private static int EndOfChunk(StringBuilder text, int from)
    {
        var end = from + MaxDeltaLength;
        return end >= text.Length ? text.Length
            // A surrogate pair is not split between two events.
            : char.IsHighSurrogate(text[end - 1]) ? end - 1
            : end;
    }

    /// <param name="Event">The event; of merged deltas, the first.</param>
    /// <param name="Text">Set for deltas: the text of all merged deltas.</param>
    private readonly record struct Entry(ChatEvent Event, StringBuilder? Text = null);

    /// <param name="Entry">Index of the entry that it is merged into.</param>
    /// <param name="At">Characters before it in that entry.</param>
    private readonly record struct Delta(int Entry, int At, int Length, ChatEvent Event);
}

internal enum FeedRead
{
    /// <summary>No event is available yet.</summary>
    Nothing,

    /// <summary>An event was read.</summary>
    Event,

    /// <summary>The last event was read before.</summary>
    End,
}
